"""The formats dialogues can be written in."""

from psyloom.errors import UnknownName
from psyloom.formats.write.argilla import open_argilla
from psyloom.formats.write.chat import messages_rows, swift_rows, xtuner_rows
from psyloom.formats.write.inspect_log import open_inspect
from psyloom.formats.write.labelstudio import beside, open_labelstudio
from psyloom.formats.write.magnet import open_magnet
from psyloom.formats.write.pairs import alpaca_rows, xtuner_pairs_rows
from psyloom.formats.write.parquet import open_parquet
from psyloom.formats.write.patient_psi import open_profiles
from psyloom.formats.write.sdialog_json import open_sdialog
from psyloom.formats.write.sharegpt import sharegpt_rows, write_dataset_info
from psyloom.formats.write.smile import open_smile
from psyloom.formats.write.soulchat import by_topic, open_samples
from psyloom.formats.write.spans import open_spans
from psyloom.formats.write.transcripts import open_markdown, open_text
from psyloom.formats.write.trl import trl_dpo_rows, trl_kto_rows, trl_sft_rows
from psyloom.formats.write.turns_csv import open_csv
from psyloom.formats.write.writer import EVERY_TRAINER, Writer, by_rows

_LINES = (".jsonl", ".json")
_ARRAY = (".json", ".jsonl")
_FREE = EVERY_TRAINER | {"consecutive"}
_NAMED = frozenset({"client_name", "counselor_name", "thoughts"})
_TALKS = frozenset({"sessions", "consecutive", "weights", "system"})
_LEARNED_AGAIN = "with one example per turn, set mask_history: true, or the replies in the history are learned again"
_PAIRS = "rejected replies are taken from Turn.extra['rejected'], a list of texts"

WRITERS: dict[str, Writer] = {
    writer.name: writer
    for writer in (
        Writer(
            "messages", "OpenAI messages", by_rows(messages_rows), _LINES, _FREE | {"mask"}, ("dialogue", "turn")
        ),
        Writer("sharegpt", "ShareGPT", by_rows(sharegpt_rows), _ARRAY, _FREE, ("dialogue", "turn")),
        Writer(
            "alpaca", "Alpaca with history", by_rows(alpaca_rows), _ARRAY, EVERY_TRAINER, ("turn", "dialogue"),
            strict=True, note=f"in LLaMA-Factory: {_LEARNED_AGAIN}",
        ),
        Writer(
            "llamafactory", "LLaMA-Factory folder with dataset_info.json", by_rows(sharegpt_rows), (".jsonl",), _FREE,
            ("dialogue", "turn"), strict=True, finish=write_dataset_info, note=_LEARNED_AGAIN,
        ),
        Writer(
            "swift", "ms-swift", by_rows(swift_rows), _LINES, _FREE | {"mask", "weight"}, ("dialogue", "turn"),
            strict=True, note="weights other than 0 and 1 need ms-swift 4.2 or later and --is_binary_loss_scale false",
        ),
        Writer(
            "xtuner", "XTuner 1 (and 0.2 through openai_map_fn)", by_rows(xtuner_rows), (".jsonl",), _FREE | {"mask"},
            ("dialogue", "turn"), strict=True,
        ),
        Writer(
            "xtuner-pairs", "XTuner 0.2 conversations", by_rows(xtuner_pairs_rows), _ARRAY, EVERY_TRAINER | {"mask"},
            ("dialogue", "turn"), strict=True,
        ),
        Writer(
            "trl-sft", "TRL supervised fine-tuning", by_rows(trl_sft_rows), _LINES, _FREE, ("turn", "dialogue"),
            strict=True, note="with whole dialogues, set assistant_only_loss=True",
        ),
        Writer("trl-dpo", "TRL DPO pairs", by_rows(trl_dpo_rows), _LINES, _FREE, ("turn",), strict=True, note=_PAIRS),
        Writer("trl-kto", "TRL KTO, unpaired", by_rows(trl_kto_rows), _LINES, _FREE, ("turn",), strict=True, note=_PAIRS),
        Writer(
            "parquet", "Parquet of OpenAI messages", open_parquet, (".parquet",), _FREE | {"mask"},
            ("dialogue", "turn"),
        ),
        Writer("text", "plain text, one file per dialogue", open_text, (), _NAMED | {"sessions"}),
        Writer("markdown", "Markdown, one file per dialogue", open_markdown, (), _NAMED | {"hidden"}),
        Writer("csv", "CSV, one line per turn", open_csv, (".csv",), _NAMED | {"hidden"}),
        Writer(
            "conll", "CoNLL-like columns of span labels", open_spans, (".conll", ".tsv", ".txt"),
            _NAMED - {"thoughts"},
        ),
        Writer(
            "labelstudio", "Label Studio tasks with their config.xml", open_labelstudio, (".json",),
            frozenset({"client_name", "counselor_name", "labels"}), finish=beside,
            note="make a project with config.xml as its labeling interface and import the tasks",
        ),
        Writer(
            "argilla", "Argilla records with their settings.json", open_argilla, (".json",),
            frozenset({"client_name", "counselor_name", "labels"}), finish=beside,
            note="Settings.from_json makes the dataset, dataset.records.from_json fills it",
        ),
        Writer("sdialog", "sdialog JSON, one file per dialogue", open_sdialog, (), _NAMED | {"hidden"}),
        Writer(
            "magnet", "MAGneT's training file, one example per generated counselor message", open_magnet, (".json",),
            frozenset({"ids", "history", "sessions", "weights", "client_name", "counselor_name"}),
            note="only what was generated is learned; dialogues without a reason for counseling give no example",
        ),
        Writer(
            "smile", "SMILE's training file, one example per counselor message", open_smile, (".jsonl", ".json"),
            frozenset({"sessions", "weights", "system", "client_name", "counselor_name"}),
            note="a counselor's message that opens the talk is not learned; the history is of nine messages at most",
        ),
        Writer(
            "soulchat", "SoulChatCorpus", by_topic("topic"), _ARRAY, _TALKS, strict=True,
            note="dialogues without one of the twelve topics give no example",
        ),
        Writer(
            "soulchat-samples", "SoulChat's text samples, one per counselor message", open_samples, _ARRAY,
            frozenset({"sessions", "weights", "client_name", "counselor_name"}),
        ),
        Writer(
            "psydt", "PsyDTCorpus", by_topic("normalizedTag", persona=True), _ARRAY, _TALKS, strict=True,
            note="dialogues without one of the twelve topics or without a system message (--system-text) give no example",
        ),
        Writer(
            "patient_psi", "PATIENT-Psi profiles, one per situation of a cognitive model", open_profiles,
            (".json", ".jsonl"), frozenset(),
            note="`psyloom annotate patient_psi` rebuilds the models; `psyloom read patient_psi` makes cases of the profiles",
        ),
        Writer(
            "inspect", "inspect_ai log", open_inspect, (".json",), frozenset({"target", "system", "thoughts", "hidden"})
        ),
    )
}  # fmt: skip


def writer_for(name: str) -> Writer:
    """The writer of that name.

    Raises:  UnknownName, with the nearest names.
    """
    if name not in WRITERS:
        raise UnknownName("export format", name, WRITERS)
    return WRITERS[name]
