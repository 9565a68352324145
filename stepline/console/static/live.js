// Keeps an open page up to date. A page that nobody sees has no stream, so the console asks AWS for nothing.
"use strict";

const main = document.querySelector("main[data-changes]");
const reading = document.getElementById("reading");
let stream = null;
let changes = main?.dataset.changes ?? "";

function connect() {
  if (stream || !changes || document.hidden) return;
  stream = new EventSource(changes);
  stream.addEventListener("content", (event) => {
    Idiomorph.morph(main, event.data, {
      morphStyle: "innerHTML",
      ignoreActiveValue: true,
      callbacks: {
        // What a script has drawn, and what the user has opened, stays.
        beforeNodeMorphed: (node) => !node.dataset?.keep,
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
      },
    });
    main.dispatchEvent(new CustomEvent("content-changed"));
    countDurations();
  });
  stream.addEventListener("reading", (event) => {
    if (reading.innerHTML !== event.data) reading.innerHTML = event.data;
  });
  stream.onerror = () => {
    if (stream?.readyState === EventSource.CLOSED || stream?.readyState === EventSource.CONNECTING) {
      reading.textContent = "Not connected: is the console still running?";
    }
  };
}

function disconnect() {
  stream?.close();
  stream = null;
  // The next stream sends everything that has changed meanwhile.
  changes = changes.replace(/([?&]version=)[^&]*/, "$1");
}

function format(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  const rest = Math.round(seconds) % 60;
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

function countDurations() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = format(Math.max(0, (Date.now() - Date.parse(element.dataset.since)) / 1000));
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
window.addEventListener("pagehide", disconnect);
window.addEventListener("pageshow", connect);
connect();
countDurations();
setInterval(() => document.hidden || countDurations(), 1000);
