"""Writes a tiny language model with random weights, for a server of models to run in a test.

    make_gguf.py FILE

The model has the architecture of Llama, one layer, a vocabulary of bytes, and nothing to say. It is
the same at every run. About half a megabyte.
"""

import sys

import gguf
import numpy

WIDTH = 64
FORWARD = 256
HEADS = 4
LAYERS = 1
# A prompt of the engine is some thousands of bytes, each of them a token.
CONTEXT = 32768
# No words before the answer: a grammar would have to begin with them.
TEMPLATE = "{% for message in messages %}{{ message['content'] + '\n' }}{% endfor %}"
# What the model would rather say, and what it never says of its own accord. Where a grammar rules,
# answers end soon; where none does, only the limit on tokens ends them.
LEANING = {b'"': 6.0, b"]": 6.0, b"</s>": -30.0}


def vocabulary():
    """Returns tokens, scores and types: three of control, then every byte, then printable ASCII."""
    control, byte, normal = gguf.TokenType.CONTROL, gguf.TokenType.BYTE, gguf.TokenType.NORMAL
    tokens = [(b"<unk>", gguf.TokenType.UNKNOWN), (b"<s>", control), (b"</s>", control)]
    tokens += [(f"<0x{value:02X}>".encode(), byte) for value in range(256)]
    tokens += [(bytes([value]), normal) for value in range(33, 127)]
    # SentencePiece writes a space so.
    tokens.append(("\u2581".encode(), normal))
    return [name for name, _ in tokens], [0.0] * len(tokens), [int(kind) for _, kind in tokens]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    random = numpy.random.default_rng(4)
    tokens, scores, types = vocabulary()

    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_name("random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FORWARD)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)

    def draw(*shape):
        return random.normal(0.0, 0.1, shape).astype(numpy.float32)

    def weights(name, *shape):
        writer.add_tensor(name, draw(*shape))

    def ones(name):
        writer.add_tensor(name, numpy.ones(WIDTH, dtype=numpy.float32))

    # The first number of every state is large, so that the first weight of a token is its leaning.
    states, words = draw(len(tokens), WIDTH), draw(len(tokens), WIDTH)
    states[:, 0] = 8.0
    words[:, 0] = 0.0
    for token, leaning in LEANING.items():
        words[tokens.index(token), 0] = leaning
    writer.add_tensor("token_embd.weight", states)
    writer.add_tensor("output.weight", words)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
        weights(f"blk.{layer}.ffn_gate.weight", FORWARD, WIDTH)
        weights(f"blk.{layer}.ffn_up.weight", FORWARD, WIDTH)
        weights(f"blk.{layer}.ffn_down.weight", WIDTH, FORWARD)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
