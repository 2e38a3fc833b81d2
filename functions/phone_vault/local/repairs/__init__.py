"""What moto does not do as AWS does, repaired while a LocalCloud is open.

Each module has a `repairs` function: a context manager that puts its repairs in place and takes them back. moto is
pinned exactly; the tests show of each gap that stock moto still has it.
"""
