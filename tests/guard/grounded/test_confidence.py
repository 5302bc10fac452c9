from penstock.guard.grounded.confidence import Known, load_weights, words_of


def test_it_works_with_anything_missing() -> None:
    weights = load_weights()
    nothing = weights.confidence(Known())
    assert 0.5 < nothing < 1.0
    for name in weights.terms:
        assert 0.0 < weights.confidence(Known(**{name: 0.5})) < 1.0


def test_more_support_and_less_doubt_are_never_worth_less() -> None:
    weights = load_weights()
    low, high = weights.confidence(Known(support=0.1)), weights.confidence(Known(support=0.9))
    assert low < high
    assert weights.confidence(Known(unknowing=1.0)) < weights.confidence(Known(unknowing=0.0))
    assert weights.confidence(Known(log_probability=-2.0)) < weights.confidence(Known(log_probability=-0.1))


def test_hedges_and_ignorance_are_counted_by_sentence() -> None:
    assert words_of("It costs 5 euros. It might rain.") == (0.5, 0.0)
    assert words_of("The documents do not mention it.") == (0.0, 1.0)
    assert words_of("Das weiß ich leider nicht. Vielleicht morgen.") == (0.5, 0.5)
    assert words_of("") == (0.0, 0.0)
