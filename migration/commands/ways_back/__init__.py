"""`rollback`: immediate, complete, quick; and a switch that is led back by itself."""
