from bench import texts


def test_no_two_sentences_are_alike() -> None:
    assert len(set(texts.SENTENCES)) == len(texts.SENTENCES)


def test_texts_of_one_run_have_no_sentence_in_common() -> None:
    spoken = texts.texts((1, 2, 3))
    sentences = [sentence for text in spoken for sentence in text.split(". ")]
    assert len({each.rstrip(".") for each in sentences}) == 6


def test_later_texts_begin_where_one_says() -> None:
    assert texts.texts((1,), first=3) == [texts.SENTENCES[3]]
