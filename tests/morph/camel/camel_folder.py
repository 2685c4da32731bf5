"""A small database, word counts and BERT in the folders that `camel_data -i` makes.

The database is written here: two verbs, three nouns, a preposition, the clitics they take and
the backoff to proper nouns, with made-up probabilities.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FEATURES = [
    "diac",
    "lex",
    "bw",
    "gloss",
    "pos",
    "prc3",
    "prc2",
    "prc1",
    "prc0",
    "per",
    "asp",
    "vox",
    "mod",
    "form_gen",
    "gen",
    "form_num",
    "num",
    "stt",
    "cas",
    "enc0",
    "rat",
    "source",
    "d3tok",
    "atbtok",
    "pos_logprob",
    "lex_logprob",
    "pos_lex_logprob",
]
_POS = ("noun", "noun_prop", "verb", "prep", "digit", "punc", "latin")
_PLAIN = (
    "prc3:0 prc2:0 prc1:0 prc0:0 per:na asp:na vox:na mod:na form_gen:m gen:- form_num:s num:- "
    "stt:i cas:u enc0:0 rat:i source:lex"
)
_VERB = _PLAIN.replace("asp:na", "asp:p").replace("per:na", "per:3").replace("prc0:0", "prc0:na")

#: Letters, category, features.
PREFIXES = [
    ("", "Pref-0", ""),
    ("و", "Pref-Wa", "diac:وَ bw:وَ/CONJ prc2:wa_conj d3tok:وَ+_ atbtok:وَ+_"),
    ("و", "Pref-Wa", "diac:وَ bw:وَ/PREP prc2:wa_prep d3tok:وَ+_ atbtok:وَ+_"),
    ("ال", "NPref-Al", "diac:ال# bw:ال/DET prc0:Al_det stt:d d3tok:ال+_ atbtok:ال#"),
    ("وال", "NPref-Al", "diac:وَال# bw:وَ/CONJ+ال/DET prc2:wa_conj prc0:Al_det stt:d"),
    ("لل", "NPref-Al", "diac:لِل# bw:لِ/PREP+ال/DET prc1:li_prep prc0:Al_det stt:d"),
    ("ب", "NPref-Bi", "diac:بِ bw:بِ/PREP prc1:bi_prep d3tok:بِ+_ atbtok:بِ+_"),
    ("ي", "IVPref", "diac:يَ bw:يَ/IV3MS per:3 asp:i"),
    ("سي", "IVPref", "diac:سَيَ bw:سَ/FUT_PART+يَ/IV3MS prc1:sa_fut per:3 asp:i"),
]
STEMS = [
    ("كتاب", "N", f"diac:كِتاب bw:كِتاب/NOUN lex:كِتاب_1 gloss:book pos:noun {_PLAIN} "
     "pos_logprob:-0.4 lex_logprob:-2.5 pos_lex_logprob:-2.9"),
    ("كتاب", "N", f"diac:كُتّاب bw:كُتّاب/NOUN lex:كاتِب_1 gloss:writers pos:noun {_PLAIN} "
     "pos_logprob:-0.4 lex_logprob:-3.5 pos_lex_logprob:-3.9"),
    ("مدرس", "Nap", f"diac:مَدْرَس bw:مَدْرَس/NOUN lex:مَدْرَسَة_1 gloss:school pos:noun {_PLAIN} "
     "pos_logprob:-0.4 lex_logprob:-3 pos_lex_logprob:-3.4"),
    ("مدرس", "N", f"diac:مُدَرِّس bw:مُدَرِّس/NOUN lex:مُدَرِّس_1 gloss:teacher pos:noun {_PLAIN} "
     "pos_logprob:-0.4 lex_logprob:-3.1 pos_lex_logprob:-3.6"),
    ("كتب", "PV", f"diac:كَتَب bw:كَتَب/PV lex:كَتَب-u_1 gloss:write pos:verb {_VERB} "
     "pos_logprob:-1 lex_logprob:-3 pos_lex_logprob:-3.2"),
    ("كتب", "N", f"diac:كُتُب bw:كُتُب/NOUN lex:كِتاب_1 gloss:books pos:noun {_PLAIN} "
     "pos_logprob:-0.4 lex_logprob:-3 pos_lex_logprob:-3.1"),
    ("رما", "PV-a", f"diac:رَما bw:رَما/PV lex:رَمَى-i_1 gloss:throw pos:verb {_VERB} "
     "pos_logprob:-1 lex_logprob:-4 pos_lex_logprob:-4.2"),
    ("كتب", "IV", f"diac:كْتُب bw:كْتُب/IV lex:كَتَب-u_1 gloss:write pos:verb {_VERB} "
     "pos_logprob:-1 lex_logprob:-3 pos_lex_logprob:-3.2"),
    ("علي", "Prep", f"diac:عَلَي bw:عَلَى/PREP lex:عَلَى_1 gloss:on pos:prep {_PLAIN} "
     "pos_logprob:-1 lex_logprob:-1 pos_lex_logprob:-1"),
    ("علي", "Prep-0", f"diac:عَلَى bw:عَلَى/PREP lex:عَلَى_1 gloss:on pos:prep {_PLAIN} "
     "pos_logprob:-1 lex_logprob:-1 pos_lex_logprob:-1"),
    ("NOAN", "N0", f"diac:NOAN bw:NOAN/NOUN_PROP lex:NOAN_0 gloss:none pos:noun_prop {_PLAIN} "
     "pos_logprob:-0.9 lex_logprob:-9 pos_lex_logprob:-9"),
]  # fmt: skip
SUFFIXES = [
    ("", "Suff-0", ""),
    ("ه", "NSuff-Poss", "diac:هُ bw:هُ/POSS_PRON_3MS enc0:3ms_poss stt:c d3tok:_+هُ atbtok:_+هُ"),
    ("هم", "NSuff-Poss", "diac:هُم bw:هُم/POSS_PRON_3MP enc0:3mp_poss stt:c d3tok:_+هُم"),
    ("ه", "NSuff-ap", "diac:َة bw:َة/NSUFF_FEM_SG form_gen:f d3tok:َة atbtok:َة"),
    ("تهم", "NSuff-ap", "diac:َتُهُم bw:َة/NSUFF_FEM_SG+ُ/CASE_DEF_NOM+هُم/POSS_PRON_3MP "
     "form_gen:f enc0:3mp_poss cas:n stt:c d3tok:َةُ_+هُم"),
    ("ا", "NSuff-an", "diac:اً bw:اً/CASE_INDEF_ACC cas:a stt:i d3tok:اً atbtok:اً"),
    ("وا", "PVSuff", "diac:ُوا bw:ُوا/PVSUFF_SUBJ:3MP num:p d3tok:ُوا atbtok:ُوا"),
    ("وها", "PVSuff", "diac:ُوها bw:ُو/PVSUFF_SUBJ:3MP+ها/PVSUFF_DO:3FS num:p enc0:3fs_dobj"),
    ("ه", "VSuff-Do", "diac:هُ bw:(null)/PVSUFF_SUBJ:3MS+هُ/PVSUFF_DO:3MS enc0:3ms_dobj"),
    ("ه", "Prep-Pron", "diac:هِ bw:هِ/PRON_3MS enc0:3ms_pron d3tok:_+هِ atbtok:_+هِ"),
]  # fmt: skip
_FIT = {  # stem -> prefixes, suffixes
    "N": ("Pref-0 Pref-Wa NPref-Al NPref-Bi", "Suff-0 NSuff-Poss NSuff-an"),
    "Nap": ("Pref-0 Pref-Wa NPref-Al NPref-Bi", "NSuff-ap"),
    "N0": ("Pref-0 Pref-Wa NPref-Bi", "Suff-0"),
    "PV": ("Pref-0 Pref-Wa", "Suff-0 PVSuff VSuff-Do"),
    "PV-a": ("Pref-0 Pref-Wa", "VSuff-Do"),
    "IV": ("IVPref", "Suff-0 VSuff-Do"),
    "Prep": ("Pref-0 Pref-Wa", "Prep-Pron"),
    "Prep-0": ("Pref-0 Pref-Wa", "Suff-0"),
}


def database_text() -> str:
    """The database as a file has it."""
    defaults = " ".join(f"{name}:*" for name in _FEATURES if name not in ("pos", "source"))
    lines = ["###DEFINES###"]
    lines += [f"DEFINE {name} {name}:*open*" for name in _FEATURES if name != "pos"]
    lines.append("DEFINE pos " + " ".join(f"pos:{pos}" for pos in _POS))
    lines.append("###DEFAULTS###")
    lines += [f"DEFAULT pos:{pos} {defaults} source:lex" for pos in _POS]
    lines += ["###ORDER###", "ORDER " + " ".join(_FEATURES)]
    lines += ["###TOKENIZATIONS###", "TOKENIZATION d3tok atbtok"]
    lines += ["###STEMBACKOFF###", "STEMBACKOFF PROP N0", "###PREFIXES###"]
    lines += ["\t".join(row) for row in PREFIXES]
    lines.append("###SUFFIXES###")
    lines += ["\t".join(row) for row in SUFFIXES]
    lines.append("###STEMS###")
    lines += ["\t".join(row) for row in STEMS]
    lines.append("###TABLE AB###")
    lines += [f"{pre} {stem}" for stem, (before, _) in _FIT.items() for pre in before.split()]
    lines.append("###TABLE BC###")
    lines += [f"{stem} {suf}" for stem, (_, after) in _FIT.items() for suf in after.split()]
    lines.append("###TABLE AC###")
    lines += sorted(
        {
            f"{pre} {suf}"
            for before, after in _FIT.values()
            for pre in before.split()
            for suf in after.split()
            if (pre, suf) != ("NPref-Al", "NSuff-an")
        }
    )
    return "\n".join(lines) + "\n"


def write_database(folder: Path) -> Path:
    """Write the database as `morphology.db`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "morphology.db"
    path.write_text(database_text(), encoding="utf-8")
    return path


#: Spelling -> the features of its most frequent analysis, as MLE models have them.
COUNTED: dict[str, dict[str, Any]] = {
    "كتب": {"diac": "كَتَب", "lex": "كَتَب-u_1", "bw": "كَتَب/PV", "pos": "verb", "asp": "p", "per": "3"},
    "مدرسه": {
        "diac": "مُدَرِّسهُ", "lex": "مُدَرِّس_1", "bw": "مُدَرِّس/NOUN+هُ/POSS_PRON_3MS",
        "pos": "noun", "enc0": "3ms_poss",
    },
}  # fmt: skip


def write_mle(data: Path) -> None:
    """Write what `camel_data -i disambig-mle-calima-msa-r13` installs, below `data`."""
    write_database(data / "data/morphology_db/calima-msa-r13")
    folder = data / "data/disambig_mle/calima-msa-r13"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(COUNTED), encoding="utf-8")


#: Tags that the toy BERT can give: a verb, a noun, a noun with a pronoun.
_TAGS = (
    {"pos": "verb", "per": "3", "asp": "p", "prc0": "na", "enc0": "0"},
    {"pos": "noun", "per": "na", "asp": "na", "prc0": "0", "enc0": "0"},
    {"pos": "noun", "per": "na", "asp": "na", "prc0": "0", "enc0": "3ms_poss"},
)


def write_bert(data: Path) -> None:
    """Write what `camel_data -i disambig-bert-unfactored-msa` installs, below `data`.

    The toy model is untrained: its answers are arbitrary, and the same for the same sentence.
    """
    import torch
    from transformers import BertConfig, BertForTokenClassification

    features = [
        "pos",
        "per",
        "form_gen",
        "form_num",
        "asp",
        "mod",
        "vox",
        "stt",
        "cas",
        "prc0",
        "prc1",
        "prc2",
        "prc3",
        "enc0",
    ]  # those of `feats_14`
    rest = dict.fromkeys(features, "na") | {
        "form_gen": "m",
        "form_num": "s",
        "stt": "i",
        "cas": "u",
    }
    labels = ["__".join(f"{n}:{(rest | tag)[n]}" for n in features) for tag in _TAGS]
    write_database(data / "data/morphology_db/calima-msa-r13")
    folder = data / "data/disambig_bert_unfactored/msa"
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in (*range(0x621, 0x63B), *range(0x641, 0x64B))]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=512, initializer_range=1.0,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
    )  # fmt: skip
    BertForTokenClassification(config).save_pretrained(folder)
    settings = {
        "feature": "feats_14", "db_name": "calima-msa-r13", "backoff": "NOAN_PROP",
        "scorer": "uniform", "tie_breaker": "tag",
    }  # fmt: skip
    (folder / "default_config.json").write_text(json.dumps(settings), encoding="utf-8")
    counts: dict[str, Any] = {"info": {"features": features}, "unfactored": {}}
    counts |= {name: {} for name in features}
    (folder / "mle_model.json").write_text(json.dumps(counts), encoding="utf-8")
