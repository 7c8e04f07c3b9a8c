"""The whole job from Python, on the bundled sample: run it in the repository's folder. Needs pandas and pyarrow."""

import pandas as pd
import recant

orders = pd.read_csv("data/sample/orders.csv.gz", encoding="latin-1")
slip = 'segment:Market = LATAM and "Shipping Mode" = "Standard Class": late -> on time, 100%'
trial = recant.inject(orders, kind=slip)  # a sheet with wrong rows, and their list; you have both already
model = recant.train(trial.corrupted, "model")
print(model)  # is it of any use? In a notebook, `model` shows the report
repaired = recant.repair(model, trial.flags, data=trial.corrupted, out="model-repaired")
print(repaired)  # the verdict
next_week = pd.read_csv("data/sample/next_week.csv", encoding="latin-1")
print(recant.predict(next_week, repaired).frame.to_pandas()[["Order Id", "predicted", "warning"]])
