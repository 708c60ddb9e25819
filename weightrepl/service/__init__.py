"""What an editor asks while a query is typed: plain answers, offsets in code points; knows no screen."""
