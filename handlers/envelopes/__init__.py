"""What devices say to each other in encrypted conversations: the server carries it and cannot read it.

Words: an *envelope* is one ciphertext for one device; a *queue* holds a device's envelopes until it has them; a message
to a group is one ciphertext, an entry of the conversation's log, which all its devices read with the sender's key.

Invariants: nothing is taken unless it names exactly the devices that there are; an envelope is stored before its sender
is answered, is handed over in order, and goes when its device says that it has it; the same message twice is once.
"""
