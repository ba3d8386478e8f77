"""OpenAI's images API as far as a GAN can keep it: an adapter to the same engine."""
