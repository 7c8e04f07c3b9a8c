"""The app with a large sheet, and its pages as pictures.

    python benchmarks/app.py RECANT FOLDER measure --rows 200000
    python benchmarks/app.py RECANT FOLDER pictures --pictures docs/app

Needs `chromedriver` and Chromium; nothing but Python's standard library. FOLDER is made. `measure` makes a sheet of that many orders and takes
the time, as a browser sees it, from the drop of the file to its first table, of searching and ordering it, of the rows under
suspicion, and the memory of the program. `pictures` does the job on the demo's sheet and writes one picture of every page.
"""

import argparse, base64, json, os, re, socket, statistics, subprocess, threading, time
import urllib.request


class Browser:
    def __init__(self, width=1280, height=900):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.05)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}"]
        self.session = ""
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}}})
        self.session = "/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = None if method == "GET" else json.dumps(body or {}).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/session{self.session}{path}", data=data, method=method)
        asked.add_header("Content-Type", "application/json")
        return json.load(urllib.request.urlopen(asked, timeout=600))["value"]

    def go(self, address):
        self.call("POST", "/url", {"url": address})

    def script(self, script):
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def type_into(self, selector, text):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(found.values()))}/value", {"text": text})

    def wait_for(self, text, seconds=600):
        until = time.time() + seconds
        while text not in self.script("return document.body ? document.body.innerText : ''"):
            if time.time() > until:
                raise SystemExit(f"`{text}` does not come")
            time.sleep(0.02)

    def size(self, width, height, dark=False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": scheme})

    def picture(self, path, whole=True):
        asked = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            width, height = self.script("return [window.innerWidth, Math.min(document.documentElement.scrollHeight, 2400)]")
            asked["clip"] = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = self.call("POST", "/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": asked})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.kill()


class App:
    def __init__(self, recant, folder):
        self.program = subprocess.Popen([recant, "app", folder, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.link = None
        for line in self.program.stdout:
            found = re.search(r"http://\S+/open\?token=\S+", line)
            if found:
                self.link = found[0]
                break
        threading.Thread(target=lambda: [None for _ in self.program.stdout], daemon=True).start()
        self.base = self.link.split("/open")[0]

    def memory(self):
        """Resident now and at most, in MiB."""
        status = open(f"/proc/{self.program.pid}/status").read()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def close(self):
        self.program.terminate()
        self.program.wait()


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def named(browser, text):
    """Address of the link with this text."""
    return browser.script(f"const found = [...document.querySelectorAll('main a, nav a')].find(link => link.innerText.trim() === {json.dumps(text)}); return found && found.href")


def timed(action, times=5):
    taken = []
    for turn in range(times):
        start = time.perf_counter()
        action(turn)
        taken.append(time.perf_counter() - start)
    return {"median_s": round(statistics.median(taken), 3), "most_s": round(max(taken), 3), "times": times}


def measure(recant, folder, rows):
    os.makedirs(folder, exist_ok=True)
    outside, inside = f"{folder}/outside", f"{folder}/inside"
    for path in (outside, inside):
        os.makedirs(path, exist_ok=True)
    sheet = f"{outside}/orders.csv"
    if not os.path.exists(sheet):
        run(recant, "generate", "--rows", rows, "--seed", 7, "--complete-share", "90%", "--out", sheet, "-q")
    app, browser = App(recant, inside), Browser()
    found = {"rows": rows, "bytes": os.path.getsize(sheet)}
    try:
        browser.go(app.link)
        browser.wait_for("Sheets")
        start = time.perf_counter()
        browser.type_into("#dropped-file", os.path.abspath(sheet))
        browser.wait_for(f"{rows:,} rows")
        found["drop_to_first_table_s"] = round(time.perf_counter() - start, 3)
        page = browser.script("return location.href").split("?")[0]
        found["another_page_of_rows"] = timed(lambda turn: browser.go(f"{page}?page={1000 * turn + 17}"))
        words = ["LATAM", "Standard Class", "Europe", "zzz", "42"]
        found["search"] = timed(lambda turn: browser.go(f"{page}?q={words[turn].replace(' ', '+')}"))
        names = browser.script("return [...document.querySelectorAll('th a')].slice(0, 5).map(link => link.href)")
        found["order_first_time"] = timed(lambda turn: browser.go(names[turn]), len(names))
        found["order_again"] = timed(lambda turn: browser.go(names[turn]), len(names))
        found["memory_with_sheet_mib"] = [round(value) for value in app.memory()]
        model = f"{inside}/model"
        run(recant, "train", f"{inside}/orders.csv", "--out", model, "--epochs", 2, "--network", "1x8", "-q")
        browser.go(app.base)
        browser.go(named(browser, "model"))
        rows_page = browser.script("return location.href") + "/rows"
        found["rows_of_the_model_first_time"] = timed(lambda turn: browser.go(rows_page), 1)
        found["rows_of_the_model"] = timed(lambda turn: browser.go(f"{rows_page}?page={1000 * turn + 5}"))
        found["rows_of_the_model_search"] = timed(lambda turn: browser.go(f"{rows_page}?q={words[turn].replace(' ', '+')}"))
        found["memory_mib"] = [round(value) for value in app.memory()]
    finally:
        browser.close()
        app.close()
    print(json.dumps(found, indent=1))


def pictures(recant, folder, out):
    os.makedirs(out, exist_ok=True)
    demo = f"{folder}/recant-demo"
    if not os.path.exists(demo):
        os.makedirs(folder, exist_ok=True)
        run(recant, "demo", "--out", demo)
    app, browser = App(recant, demo), Browser()
    try:
        browser.go(app.link)
        browser.wait_for("Sheets")
        links = dict(browser.script("return [...document.querySelectorAll('main a')].map(link => [link.innerText.trim(), link.href])"))
        sheet, old, new = links["mistake/corrupted.csv"], links["model"], links["model-repaired"]
        # The rows that the demo flagged, on the list.
        browser.go(f"{old}/wrong")
        browser.script("const list = document.querySelector('#file'); list.value = [...list.options].find(one => one.text.endsWith('few-flags.csv')).value; list.form.requestSubmit()")
        browser.wait_for("Where the rows come from")
        # What they have in common, so that a pattern is on the list and the work has something to show.
        browser.script("document.querySelector('form[action$=\"/expand\"]').requestSubmit()")
        browser.wait_for("✓ done")
        pages = {"home": app.base, "work": f"{app.base}/work", "sheet": sheet, "model": old, "repaired": new}
        pages |= {part: f"{sheet}/{part}" for part in ("task", "train")}
        pages |= {part: f"{old}/{part}" for part in ("wrong", "rows", "history", "repair")}
        pages |= {"wrong-rows": f"{old}/wrong?stands=open", "check": f"{new}/check", "predict": links["next-week.csv"] + "/predict"}
        names = [link.split("/models/")[1] for link in (old, new)]
        pages["compare"] = f"{app.base}/compare?a={names[0]}&b={names[1]}"
        for name, address in pages.items():
            for manner, (width, height, dark) in {"": (1280, 900, False), "-phone": (360, 740, False), "-dark": (1280, 900, True)}.items():
                if manner and name not in ("home", "wrong", "repair"):
                    continue
                browser.size(width, height, dark)
                browser.go(address)
                # The report inside a page is loaded once it is in sight.
                browser.script("document.querySelector('iframe')?.scrollIntoView()")
                time.sleep(2 if name in ("model", "repaired") else 0.3)
                # The picture of the README shows one screen.
                browser.picture(f"{out}/{name}{manner}.png", whole=name != "wrong-rows")
    finally:
        browser.close()
        app.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("recant")
    options.add_argument("folder")
    options.add_argument("part", choices=["measure", "pictures"])
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--pictures", default="docs/app")
    given = options.parse_args()
    if given.part == "measure":
        measure(given.recant, given.folder, given.rows)
    else:
        pictures(given.recant, given.folder, given.pictures)


if __name__ == "__main__":
    main()
