"""Pictures made larger: 2 and 4 times, by a small network of our own, or by one that was pulled.

Our own has 121,000 weights and comes with Easel. It keeps edges and lines sharp where bicubic
enlargement blurs them. It invents nothing: hair, leaves and skin that the small picture does not
have are not in the large one either, and what was noise stays noise. A model that was pulled knows
more of how photographs look, and takes far longer.
"""
