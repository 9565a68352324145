import unittest

from src.count_words import count, handler


class CountWords(unittest.TestCase):
    def test_words_are_separated_by_white_space(self) -> None:
        self.assertEqual(count("one two\nthree"), 3)

    def test_request_without_a_text_has_no_words(self) -> None:
        self.assertEqual(handler({"body": None}, None)["body"], '{"words": 0}')


if __name__ == "__main__":
    unittest.main()
