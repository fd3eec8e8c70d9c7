// A mask, drawn over a picture: what is covered is painted anew. The numbers of a rectangle do the
// same from the keyboard. What was drawn goes into the form's file field as a PNG of the picture's
// size, white on black.

export function drawing(sheet, form) {
  const canvas = sheet.querySelector("canvas");
  const under = sheet.querySelector("img");
  const told = sheet.querySelector("[role=status]");
  const tool = (name) => form.querySelector(`[data-tool="${name}"]`);
  const file = form.querySelector("input[type=file][name=mask]");
  const cover = tool("rectangle");
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let picture = null;
  let erasing = false;
  let last = null;

  function open(image) {
    picture = image;
    canvas.width = image.naturalWidth || image.width;
    canvas.height = image.naturalHeight || image.height;
    sheet.hidden = false;
    cover.hidden = false;
    let shown = sheet.querySelector(".under");
    if (!shown) {
      shown = document.createElement("canvas");
      shown.className = "under";
      under.replaceWith(shown);
    }
    shown.width = canvas.width;
    shown.height = canvas.height;
    shown.getContext("2d").drawImage(image, 0, 0, shown.width, shown.height);
    told.textContent = "";
    file.value = "";
  }

  function close() {
    picture = null;
    sheet.hidden = true;
    cover.hidden = true;
    file.value = "";
  }

  // Pixels of the picture, from those of the window.
  function at(event) {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * canvas.width) / box.width,
      y: ((event.clientY - box.top) * canvas.height) / box.height,
    };
  }

  function stroke(from, to) {
    const wide = (Math.max(canvas.width, canvas.height) * tool("size").value) / 100;
    ink.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    ink.strokeStyle = getComputedStyle(sheet).getPropertyValue("--mask");
    ink.lineWidth = wide;
    ink.lineCap = "round";
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x + 0.01, to.y);
    ink.stroke();
  }

  async function keep() {
    const { width, height } = canvas;
    const drawn = ink.getImageData(0, 0, width, height).data;
    const mask = new ImageData(width, height);
    let covered = 0;
    for (let index = 0; index < drawn.length; index += 4) {
      const white = drawn[index + 3] > 127 ? 255 : 0;
      covered += white && 1;
      mask.data.fill(white, index, index + 3);
      mask.data[index + 3] = 255;
    }
    const share = (100 * covered) / (width * height);
    told.textContent = covered
      ? `${share < 1 ? "Less than 1" : Math.round(share)} % of the picture is painted anew.`
      : "Nothing is covered.";
    const files = new DataTransfer();
    if (covered) {
      const page = new OffscreenCanvas(width, height);
      page.getContext("2d").putImageData(mask, 0, 0);
      const blob = await page.convertToBlob({ type: "image/png" });
      files.items.add(new File([blob], "mask.png", { type: "image/png" }));
    }
    file.files = files.files;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!picture || event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const here = at(one);
      stroke(last, here);
      last = here;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last) keep();
      last = null;
    });
  }

  function choose(erase) {
    erasing = erase;
    tool("draw").setAttribute("aria-pressed", String(!erase));
    tool("erase").setAttribute("aria-pressed", String(erase));
  }
  tool("draw").addEventListener("click", () => choose(false));
  tool("erase").addEventListener("click", () => choose(true));
  tool("clear").addEventListener("click", () => {
    ink.clearRect(0, 0, canvas.width, canvas.height);
    keep();
  });
  cover.addEventListener("click", () => {
    const side = (name) => Number(form.elements[`mask_${name}`].value.replace(",", ".")) / 100;
    ink.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    ink.fillStyle = getComputedStyle(sheet).getPropertyValue("--mask");
    ink.fillRect(
      side("left") * canvas.width,
      side("top") * canvas.height,
      side("width") * canvas.width,
      side("height") * canvas.height,
    );
    keep();
  });

  return { open, close };
}
