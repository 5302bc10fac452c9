"""A book shop's assistant, in examples written for these tests."""

from penstock.guard.scope.fit import Example

EXAMPLES = tuple(
    Example(text, topic)
    for topic, texts in {
        "delivery": (
            "Where is my parcel?",
            "When will my order arrive?",
            "Can you track the delivery of my books?",
            "How long does shipping to Austria take?",
            "My package has not come yet",
            "Which courier brings my order?",
            "Can I change the delivery address?",
            "Do you ship on Saturdays?",
        ),
        "returns": (
            "I want to send a book back",
            "How do I return my order?",
            "Can I get my money back for a damaged book?",
            "The book has missing pages, I would like a refund",
            "Who pays the postage of a return?",
            "When do I get my refund?",
            "Can I exchange this novel for another one?",
            "How many days do I have to return something?",
        ),
        "recommendations": (
            "Which crime novel can you recommend?",
            "I liked Dune, what should I read next?",
            "Do you have a picture book for a four year old?",
            "What are the best cookbooks this year?",
            "I need a present for someone who loves history",
            "Is the new novel by Zadie Smith good?",
            "Which book about gardening suits a beginner?",
            "What are people reading at the moment?",
        ),
    }.items()
    for text in texts
)

INSIDE = (
    ("where's my order, it should be here by now", "delivery"),
    ("how can I follow my shipment", "delivery"),
    ("I'd like to give this book back and get a refund", "returns"),
    ("can you suggest a good thriller", "recommendations"),
    ("any ideas for a children's book", "recommendations"),
)

OUTSIDE = (
    "What is the capital of Pakistan?",
    "Write a Python function that sorts a list",
    "Who won the football match last night?",
    "How do I fix a flat tyre?",
    "Should I sell my shares in the car industry?",
    "What is the boiling point of nitrogen?",
)
