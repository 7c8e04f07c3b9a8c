"""A small made-up sheet of orders, and a model trained on it."""

import csv
import random

import pytest

import recant

ROWS = 600


@pytest.fixture(scope="session")
def orders():
    """Columns of a sheet: late where the weight is large or the mode is sea, with some noise."""
    draw = random.Random(7)
    columns = {"order": [], "day": [], "mode": [], "weight": [], "lane": [], "outcome": []}
    for row in range(ROWS):
        mode = draw.choice(["air", "road", "sea"])
        weight = round(draw.uniform(1, 100), 1)
        lane = draw.choice(["north", "south"])
        late = weight > 60 or mode == "sea"
        if draw.random() < 0.05:
            late = not late
        columns["order"].append(f"A{row + 1000}")
        columns["day"].append(f"2024-{1 + row // 60:02d}-{1 + row % 28:02d}")
        columns["mode"].append(mode)
        columns["weight"].append(weight)
        columns["lane"].append(lane)
        columns["outcome"].append("late" if late else "on time")
    return columns


@pytest.fixture(scope="session")
def orders_csv(orders, tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "orders.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(orders)
        writer.writerows(zip(*orders.values()))
    return str(path)


WHAT = {"label": "outcome", "key": "order", "time": "day"}


@pytest.fixture(scope="session")
def corrupted(orders):
    """The sheet with every late order of the lane north by road and air recorded as on time, and the keys of those rows."""
    sheet = {name: list(cells) for name, cells in orders.items()}
    wrong = []
    for row in range(ROWS):
        if sheet["lane"][row] == "north" and sheet["mode"][row] != "sea" and sheet["outcome"][row] == "late" and row < 400:
            sheet["outcome"][row] = "on time"
            wrong.append(sheet["order"][row])
    return sheet, wrong


@pytest.fixture(scope="session")
def model(corrupted, tmp_path_factory):
    polars = pytest.importorskip("polars")
    out = tmp_path_factory.mktemp("models") / "model"
    return recant.train(polars.DataFrame(corrupted[0]), out, **WHAT, epochs=8)
