// A mask, drawn over a picture: what is covered is painted anew. The numbers of a rectangle do the
// same from the keyboard. What was drawn goes into the form's file field as a PNG of the picture's
// size, white on black.
const TIP_MS = 900; // for which the brush is shown after its size was changed

export function drawing(sheet, form) {
  const canvas = sheet.querySelector("canvas");
  const under = sheet.querySelector("img");
  const told = sheet.querySelector("[role=status]");
  const tip = sheet.querySelector("[data-tip]");
  const tool = (name) => form.querySelector(`[data-tool="${name}"]`);
  const file = form.querySelector("input[type=file][name=mask]");
  const cover = tool("rectangle");
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let picture = null;
  let erasing = false;
  let marks = []; // all that was drawn, so that the last can be taken away again
  let stroke = null; // the one that is being drawn
  let pointer = null; // by this finger; others draw nothing meanwhile
  let hide = 0;

  function open(image) {
    picture = image;
    canvas.width = image.naturalWidth || image.width;
    canvas.height = image.naturalHeight || image.height;
    sheet.style.setProperty("--shape", canvas.width / canvas.height);
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
    marks = [];
    stroke = pointer = null;
    tool("undo").disabled = true;
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

  const wide = () => (Math.max(canvas.width, canvas.height) * tool("size").value) / 100;

  function ready({ erase }) {
    ink.globalCompositeOperation = erase ? "destination-out" : "source-over";
    ink.strokeStyle = ink.fillStyle = getComputedStyle(sheet).getPropertyValue("--mask");
    ink.lineCap = ink.lineJoin = "round";
  }

  function line(mark, from, to) {
    ready(mark);
    ink.lineWidth = mark.wide;
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x + 0.01, to.y);
    ink.stroke();
  }

  function put(mark) {
    if (mark.points) {
      mark.points.forEach((point, number) => line(mark, mark.points[number - 1] ?? point, point));
    } else if (mark.sides) {
      ready(mark);
      ink.fillRect(...mark.sides);
    } else {
      ink.clearRect(0, 0, canvas.width, canvas.height);
    }
  }

  function draw(mark) {
    marks.push(mark);
    put(mark);
  }

  async function keep() {
    tool("undo").disabled = !marks.length;
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

  function undo() {
    if (!marks.length || stroke) return;
    marks.pop();
    ink.clearRect(0, 0, canvas.width, canvas.height);
    marks.forEach(put);
    keep();
  }

  // How large the brush is: a finger hides what it is over, and a hand does not know it before.
  function show(point) {
    const scale = canvas.getBoundingClientRect().width / canvas.width;
    tip.style.width = tip.style.height = `${wide() * scale}px`;
    tip.style.left = `${point.x * scale}px`;
    tip.style.top = `${point.y * scale}px`;
    tip.hidden = false;
    clearTimeout(hide);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!picture || event.button || stroke) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    const point = at(event);
    stroke = { erase: erasing, wide: wide(), points: [point] };
    draw(stroke);
    show(point);
    tool(erasing ? "erase" : "draw").focus({ preventScroll: true }); // whose keys take it away again
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!picture || (stroke && event.pointerId !== pointer)) return;
    if (stroke || event.pointerType === "mouse") show(at(event));
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const here = at(one);
      line(stroke, stroke.points.at(-1), here);
      stroke.points.push(here);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (!stroke || event.pointerId !== pointer) return;
      stroke = pointer = null;
      if (event.pointerType !== "mouse") tip.hidden = true;
      if (end === "pointerup") keep();
      else undo(); // the browser took the finger for something else
    });
  }
  canvas.addEventListener("pointerleave", () => {
    if (!stroke) tip.hidden = true;
  });

  function choose(erase) {
    erasing = erase;
    tool("draw").setAttribute("aria-pressed", String(!erase));
    tool("erase").setAttribute("aria-pressed", String(erase));
  }
  tool("draw").addEventListener("click", () => choose(false));
  tool("erase").addEventListener("click", () => choose(true));
  tool("undo").addEventListener("click", undo);
  sheet.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
      event.preventDefault();
      undo();
    }
  });
  tool("clear").addEventListener("click", () => {
    draw({});
    keep();
  });
  tool("size").addEventListener("input", () => {
    show({ x: canvas.width / 2, y: canvas.height / 2 });
    hide = setTimeout(() => (tip.hidden = true), TIP_MS);
  });
  cover.addEventListener("click", () => {
    const side = (name) => Number(form.elements[`mask_${name}`].value.replace(",", ".")) / 100;
    const sides = [
      side("left") * canvas.width,
      side("top") * canvas.height,
      side("width") * canvas.width,
      side("height") * canvas.height,
    ];
    draw({ erase: erasing, sides });
    keep();
  });

  return { open, close };
}
