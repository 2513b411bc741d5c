"""A language model small enough for a test: llama architecture, one layer, random weights, one token per character."""

from pathlib import Path

CONTEXT = 1024
CHARACTERS = (
    "".join(map(chr, range(0x21, 0x7F))) + "▁我你今天很难过谢聊吧，。？"
)  # ▁ is how such vocabularies spell the space
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


def rendered(*messages: dict[str, str]) -> str:
    """What TEMPLATE makes of the messages."""
    return "".join(f"<{message['role']}>{message['content']}" for message in messages) + "<assistant>"


def tokens(text: str) -> int:
    """How many tokens ``text`` has behind the beginning-of-text token: a character, or its bytes."""
    return 1 + sum(1 if char.replace(" ", "▁") in CHARACTERS else len(char.encode()) for char in text)


def write_gguf(path: Path, width: int = 64) -> Path:
    """Write the model (about 350 kB). Left to itself it writes characters of CHARACTERS and never ends."""
    import gguf
    import numpy as np

    kind = gguf.TokenType
    special, bytes_ = ["<unk>", "<s>", "</s>"], [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = [*special, *bytes_, *CHARACTERS]
    kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * 256, *[kind.NORMAL] * len(CHARACTERS)]

    file = gguf.GGUFWriter(path, "llama")
    file.add_context_length(CONTEXT)
    file.add_embedding_length(width)
    file.add_block_count(1)
    file.add_feed_forward_length(2 * width)
    file.add_head_count(2)
    file.add_head_count_kv(2)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_dimension_count(width // 2)
    file.add_vocab_size(len(vocabulary))
    file.add_tokenizer_model("llama")
    file.add_token_list(vocabulary)
    file.add_token_scores([0.0] * len(vocabulary))
    file.add_token_types(kinds)
    file.add_unk_token_id(0)
    file.add_bos_token_id(1)
    file.add_eos_token_id(2)
    file.add_add_space_prefix(False)
    file.add_chat_template(TEMPLATE)

    rng = np.random.default_rng(7)
    shapes = {
        "token_embd": (len(vocabulary), width),
        "output": (len(vocabulary), width),
        **{f"blk.0.attn_{part}": (width, width) for part in ("q", "k", "v", "output")},
        **{f"blk.0.ffn_{part}": (2 * width, width) for part in ("gate", "up")},
        "blk.0.ffn_down": (width, 2 * width),
    }
    weights = {name: rng.normal(0, shape[1] ** -0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    # The first dimension is about the same for every token, so its output column tilts the choice: characters yes,
    # lone bytes and the end of text no.
    weights["token_embd"][:, 0] = 4.0
    weights["output"][:, 0] = [-3.0] * (len(special) + 256) + [1.0] * len(CHARACTERS)
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        weights[norm] = np.ones(width, np.float32)
    for name, values in weights.items():
        file.add_tensor(f"{name}.weight", values)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
