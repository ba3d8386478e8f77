"""Images in bulk, interrupted at random: is every seed there once, and the answer of HTTP?"""
