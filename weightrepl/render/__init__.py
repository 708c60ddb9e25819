"""How results look: results become blocks, and blocks become text or JSON."""
