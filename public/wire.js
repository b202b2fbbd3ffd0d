// What is nicer with JavaScript: copying with one click, parts that come later, and addresses without empty fields. Keys are in triage.js. All works without.
"use strict";

const say = (text) => {
  const status = document.getElementById("spoken");
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = text));
};

// Copying: a button that names its field in `data-copy`
for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.firstChild;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    let copied = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      copied = document.execCommand("copy");
    }
    say(copied ? "Copied." : "Press Ctrl+C to copy.");
    const before = label.textContent;
    if (copied && before !== "Copied") {
      label.textContent = "Copied";
      setTimeout(() => (label.textContent = before), 1600);
    }
  });
}

// A field that is only there to be copied from is selected as a whole
for (const field of document.querySelectorAll("textarea[readonly]")) {
  field.addEventListener("focus", () => field.select());
}

// Forms that ask a question: what was left empty is not sent
for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const name of new Set(formData.keys())) {
      if (formData.getAll(name).every((value) => value === "")) formData.delete(name);
    }
  });
}

// A part of another page, in the place of the link to it: fetched once it comes near the screen
const parts = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) take(target);
}, { rootMargin: "200px" });
const take = async (place) => {
  parts.unobserve(place);
  const link = place.querySelector("a"), before = link.textContent;
  link.textContent = `${before} …`;
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceWith(page.querySelector(place.dataset.part) ?? place);
  } finally {
    link.textContent = before; // where it failed, the link is still there
  }
};
for (const place of document.querySelectorAll("[data-part]")) parts.observe(place);

// A page that has nothing to show yet looks again
const retry = document.querySelector("[data-retry]");
if (retry && !document.querySelector(".track")) setTimeout(() => location.reload(), Math.max(Number(retry.dataset.retry), 5) * 1000);
