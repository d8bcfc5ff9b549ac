"""Plots of published tables: one module per plot, made by Altair and drawn by vl-convert without browser or network.

What belongs here: pictures with title, text for those who do not see them, and the rows they show. What does not: any
figure that is not in a published table already, and where plots are stored or shown.
"""
