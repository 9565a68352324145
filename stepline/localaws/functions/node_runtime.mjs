// Lambda's runtime client for Node.js: runs one handler, one event at a time, by the Runtime API.
//
// Started as `node node_runtime.mjs HANDLER`. Standard input is a pipe whose other end only the parent holds: when
// it closes, this process kills itself and its children. Sources: Lambda guide, "Using the Lambda runtime API" and
// "Define Lambda function handler in Node.js".

import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";
import util from "node:util";

const TASK_ROOT = process.env.LAMBDA_TASK_ROOT;
const [HOST, PORT] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const PREFIX = "/2018-06-01/runtime";
const LEVELS = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" };
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let current = null; // the context of the invocation in progress

function endWithParent() {
  const parent = new net.Socket({ fd: 0, readable: true });
  const kill = () => process.kill(-process.pid, "SIGKILL");
  parent.on("end", kill).on("error", kill).on("close", kill).resume();
  parent.unref();
}

function patchConsole() {
  for (const [name, level] of Object.entries(LEVELS)) {
    console[name] = (...values) => {
      const error = name === "trace" ? `\n${new Error().stack.split("\n").slice(2).join("\n")}` : "";
      const id = current === null ? "undefined" : current.awsRequestId;
      fs.writeSync(1, `${new Date().toISOString()}\t${id}\t${level}\t${util.format(...values)}${error}\n`);
    };
  }
}

function request(method, where, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": body.length };
    const sent = http.request({ host: HOST, port: PORT, method, path: PREFIX + where, headers, agent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

// Send requests with TLS to the local AWS without it: custom resources call https for whatever ResponseURL they get,
// and without its port.
function patchHttps() {
  if (!process.env.AWS_ENDPOINT_URL) return;
  const endpoint = new URL(process.env.AWS_ENDPOINT_URL);
  const original = https.request;
  if (endpoint.protocol !== "http:") return;
  https.request = (...values) => {
    const callback = typeof values.at(-1) === "function" ? values.at(-1) : undefined;
    const [first, second] = values;
    const isUrl = typeof first === "string" || first instanceof URL;
    const url = isUrl ? new URL(first) : null;
    const own = (isUrl ? (typeof second === "object" ? second : {}) : first) ?? {};
    const host = own.hostname ?? own.host ?? url?.hostname;
    if (host !== endpoint.hostname && host !== endpoint.host) return original(...values);
    const where = isUrl ? { path: url.pathname + url.search } : {};
    const options = { ...where, ...own, protocol: "http:", hostname: endpoint.hostname, port: endpoint.port };
    delete options.host;
    delete options.agent;
    return http.request(options, callback);
  };
  https.get = (...values) => {
    const sent = https.request(...values);
    sent.end();
    return sent;
  };
  syncBuiltinESMExports();
}

class RuntimeError extends Error {
  constructor(type, message, cause) {
    super(message);
    this.name = type;
    if (cause?.stack) this.stack = cause.stack;
  }
}

function document(error) {
  if (util.types.isNativeError(error) || (error && error.message !== undefined && error.stack !== undefined)) {
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(title, error) {
  const id = current === null ? "undefined" : current.awsRequestId;
  const shown = { ...document(error), ...(error instanceof Object ? error : {}) };
  fs.writeSync(1, `${new Date().toISOString()}\t${id}\tERROR\t${title}\t${JSON.stringify(shown)}\n`);
}

async function load(name) {
  const base = path.basename(name);
  const match = base.match(/^([^.]*)\.(.*)$/);
  if (!match || name.includes("..")) throw new RuntimeError("Runtime.MalformedHandlerName", "Bad handler");
  const file = path.resolve(TASK_ROOT, name.slice(0, name.length - base.length), match[1]);
  let handler = await loadModule(file);
  for (const part of match[2].split(".")) handler = handler?.[part];
  if (handler === undefined) {
    throw new RuntimeError("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof handler !== "function") {
    throw new RuntimeError("Runtime.HandlerNotFound", `${name} is not a function`);
  }
  return handler;
}

async function loadModule(file) {
  try {
    for (const ending of [".js", ".mjs", ".cjs"]) {
      if (!fs.existsSync(file + ending)) continue;
      if (ending === ".mjs" || (ending === ".js" && isModulePackage(file))) {
        return await import(pathToFileURL(file + ending).href);
      }
      return createRequire(file + ending)(file + ending);
    }
    return createRequire(path.join(TASK_ROOT, "index.js"))(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError("Runtime.UserCodeSyntaxError", String(error), error);
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
      throw new RuntimeError("Runtime.ImportModuleError", String(error) + aboutSdk(String(error)), error);
    }
    throw error;
  }
}

function aboutSdk(message) {
  const missing = message.match(/'((?:@aws-sdk|@smithy)\/[^']+|aws-sdk)'/);
  return missing === null
    ? ""
    : `\nLambda's runtime contains the AWS SDK, the local AWS does not: install ${missing[1]} into the function's package.`;
}

function isModulePackage(file) {
  for (let folder = path.dirname(file); folder.startsWith(TASK_ROOT); folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
  }
  return false;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const environment = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// Return the result of the handler: of its promise, of its callback, or null once nothing is left to wait for.
function call(handler, event, context) {
  let idle;
  return new Promise((resolve, reject) => {
    idle = () => resolve(null);
    const settle = (error, result) => {
      process.off("beforeExit", idle);
      const finish = () => (error === undefined || error === null ? resolve(result) : reject(error));
      if (context.callbackWaitsForEmptyEventLoop && !settle.promised) process.once("beforeExit", finish);
      else finish();
    };
    context.done = settle;
    context.succeed = (result) => settle(null, result);
    context.fail = (error) => settle(error ?? "handled");
    process.once("beforeExit", idle);
    const result = handler(event, context, settle);
    if (typeof result?.then === "function") {
      settle.promised = true;
      result.then((value) => settle(null, value), (error) => settle(error ?? "null"));
    }
  }).finally(() => process.off("beforeExit", idle));
}

function serialized(result) {
  try {
    return Buffer.from(JSON.stringify(result === undefined ? null : result) ?? "null");
  } catch {
    throw new RuntimeError("Runtime.MarshalError", "Unable to stringify response body");
  }
}

async function processEvents(handler) {
  for (;;) {
    const next = await request("GET", "/invocation/next");
    current = contextOf(next.headers);
    const trace = next.headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    const where = `/invocation/${current.awsRequestId}`;
    try {
      const result = await call(handler, JSON.parse(next.body.toString() || "null"), current);
      await request("POST", `${where}/response`, serialized(result));
    } catch (error) {
      logError("Invoke Error", error);
      await request("POST", `${where}/error`, Buffer.from(JSON.stringify(document(error))));
    }
  }
}

async function fail(error, code) {
  logError("Uncaught Exception", error);
  const where = current === null ? "/init/error" : `/invocation/${current.awsRequestId}/error`;
  await request("POST", where, Buffer.from(JSON.stringify(document(error)))).catch(() => {});
  process.exit(code);
}

endWithParent();
patchConsole();
patchHttps();
process.on("uncaughtException", (error) => fail(error, 129));
process.on("unhandledRejection", (reason) =>
  fail(new RuntimeError("Runtime.UnhandledPromiseRejection", String(reason), reason), 128),
);
try {
  await processEvents(await load(process.argv[2]));
} catch (error) {
  await fail(error, 1);
}
