# ruff: noqa: E501 - sentences are as long as they are
"""Finds what the encoder leaves in 32 bits: `python -m training.encoder_channels` prints the table of encoder/large.py.

Data: the sentences below, written for this, of the kinds that are asked of assistants.  Nothing that is evaluated on.
Of each product's input the eight channels are taken that reach the largest number in any of them; with four the mean
cosine is 0.0001 less, with sixteen no better.  Deterministic; a second.
"""

import sys
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it has none
from onnx import TensorProto
from onnx import helper as _helper
from tokenizers import Tokenizer

from penstock.encoder.graph import build_graph
from penstock.encoder.large import LARGE
from penstock.encoder.weights import read_tensors, tokenizer_file, weights_file

helper: Any = _helper  # the library's functions are typed in parts
_ort: Any = onnxruntime

CHANNELS: Final = 8
EXACT: Final = "attention.output"
"""Its numbers are all of a kind."""

SENTENCES: Final = (
    "How do I reset my password?",
    "Where is my order? It was due on Tuesday.",
    "I'd like a refund for the blue jacket, size M.",
    "What are your opening hours over Christmas?",
    "Please cancel my subscription at the end of the month.",
    "Can I change the delivery address after I have paid?",
    "The app crashes whenever I open the settings page.",
    "How much does the premium plan cost for a team of 12 people?",
    "Two plus two",
    "Who wrote Pride and Prejudice?",
    "Explain how photosynthesis works to a ten-year-old.",
    "Which of these is a noble gas? A. Oxygen B. Neon C. Iron D. Chlorine",
    "If f(x) = 3x^2 - 2x + 1, what is f'(2)?",
    "SELECT count(*) FROM orders WHERE created_at > '2024-01-01';",
    "for i in range(10):",
    "    print(i ** 2)",
    "Translate the following sentence into French: the weather is nice today.",
    "Write a short poem about the sea.",
    "thanks",
    "hello there",
    "ok",
    "book me a table for four at an italian place tonight",
    "set an alarm for 6:45 am tomorrow",
    "what's the weather going to be like in Chicago this weekend",
    "play some jazz",
    "how many calories are in a banana",
    "My name is Ahmed and I work at a hospital in Leeds.",
    "The defendant's motion to dismiss was denied because the complaint stated a plausible claim for relief under the statute.",
    "Interest rates rose by 0.25% in March, and the central bank signalled two further increases before the end of the year.",
    "The mitochondrion is the powerhouse of the cell.",
    "A 54-year-old man presents with chest pain radiating to the left arm. Which test should be ordered first?",
    "Was kostet der Versand in die Schweiz?",
    "J'ai perdu ma carte hier soir.",
    "Necesito hablar con un agente.",
    "is it raining",
    "Error: ECONNREFUSED 127.0.0.1:5432 while connecting to the database",
    "https://example.com/help?topic=billing&lang=en",
    "Invoice no. 2024-00317, total 1,249.99 EUR, due within 30 days",
    "Dear Sir or Madam, I am writing to complain about the service that I received at your branch in Oxford Street last week.",
    "Compare the two candidates and say which one you would hire, and why.",
    "What did the committee decide about the budget for the new bridge?",
    "I can't log in",
    "why was I charged twice",
    "Do you ship to Norway?",
    "Which statement best describes the outcome of the experiment?",
    "The patient was given 5 mg of the drug twice a day for six weeks.",
    '{"name": "widget", "price": 9.5, "tags": ["a", "b"]}',
    "Summarize this article in three sentences.",
    "What is the difference between a virus and a bacterium?",
    "According to the text, the main cause of the war was",
    "convert 40 degrees fahrenheit to celsius",
    "no",
    "Remind me to call mum on Sunday afternoon.",
    "How long does it take for a bank transfer to arrive?",
    "Top 10 places to visit in Japan in spring",
    "He said that he would never, ever come back!!!",
    "The council approved the plan by 7 votes to 2 after a debate of nearly four hours, in which residents raised concerns over noise, traffic and the loss of green space near the river.",
    "Python list comprehension with condition",
    "What are the side effects of penicillin?",
    "Give me a recipe for vegetarian lasagne.",
    "Shall I compare thee to a summer's day?",
    "Find all integers n such that n^2 + n + 41 is prime for n < 40.",
    "My flight was delayed by five hours; am I owed anything?",
    "How do airplanes stay in the air",
    "The quarterly report shows revenue of $4.2 million, up 18 percent on the year before.",
)


def large_channels() -> dict[str, tuple[int, ...]]:
    """By the name of each product."""
    model: onnx.ModelProto = build_graph(read_tensors(weights_file()))
    inputs = {
        node.name: node.input[0] for node in model.graph.node if node.op_type == "MatMul" and EXACT not in node.name
    }
    shown = sorted(set(inputs.values()))
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in shown)
    session = _ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(tokenizer_file()))
    tokenizer.no_padding()
    largest: dict[str, Any] = dict.fromkeys(shown, 0.0)
    for text in SENTENCES:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        for name, values in zip(shown, session.run(shown, {"input_ids": ids}), strict=True):
            largest[name] = np.maximum(largest[name], np.abs(values[0]).max(axis=0))
    return {
        product: tuple(sorted(int(channel) for channel in np.argsort(-largest[name])[:CHANNELS]))
        for product, name in inputs.items()
    }


def main() -> int:
    """Print the table; fail where it is not the one that is shipped."""
    found = large_channels()
    for product, channels in found.items():
        sys.stdout.write(f'"{product}": {channels},\n')
    return 0 if found == dict(LARGE) else 1


if __name__ == "__main__":
    raise SystemExit(main())
