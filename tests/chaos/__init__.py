"""Faults at random under load: is every answer that is given right, and nothing lost that lives?"""
