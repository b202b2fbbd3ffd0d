// The preview follows what is typed. Without JavaScript, its button sends the form.
const form = document.querySelector("form[data-preview]");
const region = document.getElementById("preview");
const WAIT = 400; // ms after the last key
const asks = form.method === "get"; // the rules are in the page's own address
const notRules = ["token", "username", "version", "was", "do"];

const typed = () => {
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (!notRules.includes(name) && value.trim()) sent.append(name, value);
  }
  return sent;
};

const tell = (problems) => {
  for (const line of form.querySelectorAll(".error")) {
    const name = line.id.replace(/-error$/, "");
    const text = problems.get(name) ?? "";
    line.textContent = text;
    line.hidden = !text;
    line.closest(".field").classList.toggle("wrong", Boolean(text));
    const field = document.getElementById(name);
    if (text) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
};

const say = (text) => (document.getElementById("spoken").textContent = text);

// The buttons of the page are made to copy when it is loaded; these came later
const copies = (button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    document.getElementById(button.dataset.copy).select();
    await navigator.clipboard?.writeText(document.getElementById(button.dataset.copy).value);
    say("Copied.");
  });
};

let latest = "";
let running = null;

const update = async (more = "") => {
  const sent = typed();
  if (!more && sent.toString() === latest) return;
  latest = sent.toString();
  running?.abort();
  const mine = (running = new AbortController());
  region.setAttribute("aria-busy", "true");
  const url = new URL(form.dataset.preview, location.href);
  if (asks) for (const [name, value] of [...sent, ...new URLSearchParams(more)]) url.searchParams.append(name, value);
  try {
    const answer = await fetch(url, { signal: mine.signal, ...(asks ? {} : { method: "POST", body: sent }) });
    if (!answer.headers.get("content-type")?.startsWith("text/html")) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    const open = new Set([...region.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
    region.innerHTML = html;
    for (const one of region.querySelectorAll("details > summary")) {
      if (open.has(one.textContent)) one.parentElement.open = true;
    }
    region.querySelectorAll("[data-copy]").forEach(copies);
    tell(new Map([...region.querySelectorAll("[data-field]")].map((one) => [one.dataset.field, one.dataset.problem])));
    say(region.querySelector("[data-summary]")?.textContent ?? "");
    if (asks) history.replaceState(null, "", `${location.pathname}?${sent}`);
  } catch (error) {
    if (error.name === "AbortError") return;
    latest = "";
    say("The preview could not be made. Press Preview to try again.");
  }
  if (running === mine) region.removeAttribute("aria-busy");
};

let timer = 0;
form.addEventListener("input", (event) => {
  if (notRules.includes(event.target.name)) return;
  clearTimeout(timer);
  timer = setTimeout(() => update(), event.target.type === "checkbox" ? 0 : WAIT);
});

form.addEventListener("submit", (event) => {
  if (event.submitter?.value === "save") return;
  event.preventDefault();
  clearTimeout(timer);
  latest = "";
  update().then(() => region.scrollIntoView({ block: "start" }));
});

// What the preview proposes is put into the form
region.addEventListener("click", async (event) => {
  const proposal = event.target.closest("[data-min-score]");
  if (proposal) {
    event.preventDefault();
    form.elements.min_score.value = proposal.dataset.minScore;
    await update();
    region.focus();
  }
});

// A vote is tried for the rules as they are now
region.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-vote]");
  if (!link) return;
  event.preventDefault();
  await update(link.dataset.vote);
  say(region.querySelector("#vote p")?.textContent ?? "");
  [...region.querySelectorAll("[data-vote]")].find((one) => one.dataset.vote === link.dataset.vote)?.focus();
});

// Weights by buttons: each changes the keyword's line in the form
region.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const label = button.dataset.keyword;
  const step = Number(button.dataset.step);
  const box = form.elements.keywords;
  const lines = box.value.split("\n").flatMap((line) => {
    const found = line.match(/^(.*?)(?::(-?[\d.]+))?\s*$/);
    if (!found || found[1].trim().replace(/^"([^"]*)"$/, "$1") !== label.replace(/^"([^"]*)"$/, "$1")) return [line];
    if (!step) return [];
    const weight = Number(found[2] ?? 1);
    return [`${found[1]}:${weight + (weight + step <= 0 && step < 0 ? 0 : step)}`];
  });
  box.value = lines.join("\n");
  await update();
  [...region.querySelectorAll("[data-step]")].find((one) => one.dataset.keyword === label && one.dataset.step === button.dataset.step)?.focus();
});

// A file is read into the box
for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  file.addEventListener("change", async () => {
    if (file.files[0]) document.getElementById(file.dataset.into).value = (await file.files[0].text()).slice(0, 100000);
  });
}

latest = typed().toString();
