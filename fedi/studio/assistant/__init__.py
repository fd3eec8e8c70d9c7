"""The assistant: an account that paints what people ask it for, in whatever thread they name it.

    @imagine a lighthouse at night --ar 3:2
    @imagine this, but in winter        (in answer to a picture)
    @imagine what is trending?
    @imagine stop                       (for the rest of the thread)

What it is asked is data: the words become a prompt, and nothing in a thread is an instruction. It
answers who asks and names nobody else; it answers no bots, and not itself. `account` is who it is,
`reading` what a post asks for (`stopping`: silence, `thanking`: nothing), `callers` who may ask and
how often, `circles` whether that is a program, `answering` does it (with `changing` for the picture
that is answered, and `replying` for words), until `withdrawing`.
"""
