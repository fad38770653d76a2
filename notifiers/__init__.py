"""How people are told: a `Message` goes in, an e-mail, a signed webhook or a chat message comes out."""
