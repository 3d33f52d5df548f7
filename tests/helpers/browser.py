"""A headless Chromium that opens pages from a folder, with the network refused."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))


class Browser:
    """Chromium with one page of an atlas."""

    def __init__(self, driver: Any, index: Path):
        self.driver, self.index = driver, index

    def open(self, address: str = "#/") -> None:
        """Go to an address of the atlas and wait until its page is there."""
        self.driver.get(f"{self.index.as_uri()}{address}")
        self.wait(f"document.getElementById('main').dataset.address === {json.dumps(address)}")

    def go(self, address: str) -> None:
        """The same within the page, as a link does."""
        self.run(f"location.hash = {json.dumps(address)}")
        self.wait(f"document.getElementById('main').dataset.address === {json.dumps(address)}")

    def run(self, script: str) -> Any:
        """What a script returns; without `return` nothing."""
        return self.driver.execute_script(script)

    def wait(self, condition: str) -> None:
        """Until a condition in JavaScript holds; ten seconds at most."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 10, 0.02).until(lambda _: self.run(f"return {condition}"))

    def click(self, selector: str) -> None:
        """Click an element."""
        self.driver.find_element("css selector", selector).click()

    def press(self, key: str) -> None:
        """Press a key on the page."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def texts(self, selector: str) -> list[str]:
        """The text of all elements."""
        found = self.driver.find_elements("css selector", selector)
        return [" ".join(element.get_attribute("textContent").split()) for element in found]

    def complaints(self) -> list[str]:
        """What the console says of errors and warnings since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that anything was asked of since it was asked last."""
        entries = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [e for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [entry["params"]["request"]["url"] for entry in sent]

    def size(self, width: int, height: int = 800) -> None:
        """Make the window so large, as a phone's below 500."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self, file: Path) -> None:
        """Save what is in the window as PNG."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(index: Path, *arguments: str) -> Iterator[Browser]:
    """Yield a browser for the atlas of that `index.html`; skip where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium isn't installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver: run tests/install_debian.sh")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", *arguments),
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Browser(driver, index)
    finally:
        driver.quit()
