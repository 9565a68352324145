// Draws the graph of a state machine as SVG: laid out once, then only coloured as the execution goes on.
//
// The page has two JSON elements: `graph` (states and transitions) and `graph-state` (what has happened to
// them). dagre cannot end an edge at a container, so each Map and Parallel is laid out first by itself, and
// is then one large state in the graph around it.
"use strict";

(() => {
  const box = document.getElementById("graph-box");
  if (!box) return;

  const SVG = "http://www.w3.org/2000/svg";
  const NAME_FONT = "500 13px system-ui, sans-serif"; // those of execution.css
  const NOTE_FONT = "11px system-ui, sans-serif";
  const LINE = 17;
  const NAME_WIDTH = 190;
  const LABEL_WIDTH = 150;
  const PADDING = 12;
  const MARKER = 18;
  const SMALLEST_FIT = 0.5; // a graph that would be smaller is shown in part
  const PART_SCALE = 0.75;
  const MAX_SCALE = 3;
  const STEP = 1.25;
  const LONG_EDGE = 12; // ranks: dagre adds a node to each rank that an edge passes, and then takes seconds
  const LANE = 10;
  const WIDEST_STATUS = " · failed and caught";

  const canvas = document.createElement("canvas").getContext("2d");

  function element(name, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function read(id) {
    return JSON.parse(document.getElementById(id).textContent);
  }

  function width(text, font) {
    canvas.font = font;
    return canvas.measureText(text).width;
  }

  // Breaks text into lines; what is too long for the last one is cut.
  function wrap(text, font, limit, lines) {
    const found = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (line && width(longer, font) > limit) {
        found.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    found.push(line);
    if (found.length > lines) found.splice(lines - 1, found.length, found.slice(lines - 1).join(" "));
    return found.map((each) => {
      if (width(each, font) <= limit) return each;
      let end = each.length - 1;
      while (end > 1 && width(`${each.slice(0, end)}…`, font) > limit) end -= 1;
      return `${each.slice(0, end)}…`;
    });
  }

  const kind = (node) => (node.isDistributed ? `Distributed ${node.type}` : node.type);

  // ---------------------------------------------------------------- Layout

  function measure(node) {
    node.lines = wrap(node.name, NAME_FONT, NAME_WIDTH, 2);
    const text = Math.max(...node.lines.map((line) => width(line, NAME_FONT)), width(kind(node) + WIDEST_STATUS, NOTE_FONT));
    node.width = Math.ceil(text) + 2 * PADDING;
    node.height = node.header = node.lines.length * LINE + 16 + PADDING;
  }

  // Finds the edges that pass many ranks, such as the catches of many states that lead to one cleanup.
  // Each state keeps its shortest edge, which says where it stands.
  function markLongEdges(level) {
    const next = new Map(level.nodes.map((node) => [node.id, []]));
    for (const edge of level.edges) next.get(edge.source).push(edge.target);
    const seen = new Set();
    const order = [];
    for (const { id } of level.nodes) {
      const stack = seen.has(id) ? [] : [[id, 0]];
      seen.add(id);
      while (stack.length) {
        const top = stack[stack.length - 1];
        const target = next.get(top[0])[top[1]++];
        if (target === undefined) order.push(stack.pop()[0]);
        else if (!seen.has(target)) {
          seen.add(target);
          stack.push([target, 0]);
        }
      }
    }
    order.reverse();
    const place = new Map(order.map((id, index) => [id, index]));
    const rank = new Map(order.map((id) => [id, 0]));
    for (const id of order) {
      for (const target of next.get(id)) {
        if (place.get(target) > place.get(id)) rank.set(target, Math.max(rank.get(target), rank.get(id) + 1));
      }
    }
    const span = (edge) => Math.abs(rank.get(edge.target) - rank.get(edge.source));
    const shortest = new Map();
    for (const edge of level.edges) {
      if (span(edge) < (shortest.get(edge.target)?.span ?? Infinity)) shortest.set(edge.target, { edge, span: span(edge) });
    }
    for (const edge of level.edges) edge.isLong = span(edge) > LONG_EDGE && shortest.get(edge.target).edge !== edge;
  }

  // Draws them in lanes at the right, one for each target; returns how wide these are.
  function placeLongEdges(level, across) {
    const byId = new Map(level.nodes.map((node) => [node.id, node]));
    const lanes = new Map();
    for (const edge of level.edges.filter((each) => each.isLong)) {
      if (!lanes.has(edge.target)) lanes.set(edge.target, across + LANE * (lanes.size + 2));
      const lane = lanes.get(edge.target);
      const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
      const [begin, end] = [source.y + source.height / 2, target.y + target.height / 2];
      const bend = Math.sign(end - begin) * 16;
      const left = source.x + source.width;
      edge.at = {
        points: [
          { x: left, y: begin }, { x: lane, y: begin }, { x: lane, y: begin + bend },
          { x: lane, y: end - bend }, { x: lane, y: end }, { x: target.x + target.width, y: end },
        ],
        x: left + Math.max(0, ...edge.lines.map((line) => width(line, NOTE_FONT))) / 2 + 6,
        y: begin - 8,
      };
    }
    return lanes.size ? LANE * (lanes.size + 3) : 0;
  }

  // Lays out the states within `parent`, with coordinates from the upper left corner; returns the size.
  function layOut(level) {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: "TB", nodesep: 30, edgesep: 14, ranksep: 34 });
    for (const node of level.nodes) {
      if (node.inner) {
        const size = layOut(node.inner);
        node.width = Math.max(node.width, size.width + 2 * PADDING);
        node.inner.x = (node.width - size.width) / 2;
        node.inner.y = node.header + 4;
        node.height = node.header + size.height + PADDING + 4;
      }
      graph.setNode(node.id, { width: node.width, height: node.height });
    }
    markLongEdges(level);
    level.edges.forEach((edge, index) => {
      edge.lines = edge.label ? wrap(edge.label, NOTE_FONT, LABEL_WIDTH, 3) : [];
      const size = edge.lines.length
        ? { width: Math.max(...edge.lines.map((line) => width(line, NOTE_FONT))) + 8, height: edge.lines.length * 14, labelpos: "c" }
        : {};
      if (!edge.isLong) graph.setEdge(edge.source, edge.target, { ...size, weight: edge.kind === "catch" ? 1 : 3 }, String(index));
    });
    dagre.layout(graph);
    for (const node of level.nodes) {
      const { x, y } = graph.node(node.id);
      node.x = x - node.width / 2;
      node.y = y - node.height / 2;
    }
    level.edges.forEach((edge, index) => {
      if (!edge.isLong) edge.at = graph.edge(edge.source, edge.target, String(index));
    });
    const { width: across, height } = graph.graph();
    return { width: Math.max(across, 0) + placeLongEdges(level, across), height: Math.max(height, 0) };
  }

  function levels(structure) {
    const nodes = new Map(structure.nodes.map((node) => [node.id, { ...node }]));
    const top = { nodes: [], edges: [] };
    const levelOf = (parent) => {
      if (parent === null || !nodes.has(parent)) return top;
      return (nodes.get(parent).inner ??= { nodes: [], edges: [] });
    };
    for (const node of nodes.values()) {
      measure(node);
      levelOf(node.parent).nodes.push(node);
    }
    for (const edge of structure.edges) levelOf(nodes.get(edge.source).parent).edges.push({ ...edge });
    addMarkers(top);
    return { top, nodes };
  }

  // The begin and the end of the execution: circles, as in AWS's console.
  function addMarkers(top) {
    const marker = (id) => ({ id, marker: true, width: MARKER, height: MARKER });
    const ends = top.nodes.filter((node) => node.isEnd);
    const first = top.nodes.find((node) => node.isStart);
    if (first) {
      top.nodes.unshift(marker("start"));
      top.edges.unshift({ source: "start", target: first.id, kind: "next", label: "" });
    }
    if (ends.length) top.nodes.push(marker("end"));
    for (const node of ends) top.edges.push({ source: node.id, target: "end", kind: "next", label: "" });
  }

  // ---------------------------------------------------------------- Drawing

  const drawn = { states: new Map(), edges: [] };

  function path(points, x, y) {
    const at = (point) => `${(point.x + x).toFixed(1)} ${(point.y + y).toFixed(1)}`;
    const middle = (one, other) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
    let text = `M${at(points[0])}`;
    for (let index = 1; index < points.length - 1; index += 1) {
      const end = index === points.length - 2 ? points[index + 1] : middle(points[index], points[index + 1]);
      text += `Q${at(points[index])} ${at(end)}`;
    }
    return points.length === 2 ? `${text}L${at(points[1])}` : text;
  }

  function drawEdge(edge, x, y, group) {
    const line = element("path", { d: path(edge.at.points, x, y), "marker-end": "url(#arrow)" });
    const made = element("g", { class: `edge ${edge.kind}` }, line);
    if (edge.lines.length) {
      const top = edge.at.y + y - ((edge.lines.length - 1) * 14) / 2 + 4;
      edge.lines.forEach((text, index) => {
        made.append(element("text", { class: "label", x: edge.at.x + x, y: top + index * 14, "text-anchor": "middle" }, text));
      });
    }
    group.append(made);
    drawn.edges.push({ element: made, line, isCatch: edge.kind === "catch", source: edge.source === "start" ? "" : edge.source, target: edge.target === "end" ? "" : edge.target });
  }

  function drawNode(node, x, y, group) {
    Object.assign(node, { left: node.x + x, top: node.y + y });
    if (node.marker) {
      const circle = element("circle", { class: "marker", cx: node.left + MARKER / 2, cy: node.top + MARKER / 2, r: MARKER / 2 });
      const title = element("title", {}, node.id === "start" ? "Start" : "End");
      group.append(element("g", {}, title, circle));
      return;
    }
    const { address } = box.dataset; // none in a saved page
    const link = element("a", { class: "state", ...(address && { href: `${address}?state=${encodeURIComponent(node.id)}#state` }) });
    link.append(element("rect", { x: node.left, y: node.top, width: node.width, height: node.height, rx: 7 }));
    node.lines.forEach((text, index) => {
      link.append(element("text", { class: "name", x: node.left + PADDING, y: node.top + 21 + index * LINE }, text));
    });
    const note = element("text", { class: "note", x: node.left + PADDING, y: node.top + 19 + node.lines.length * LINE }, kind(node));
    const badge = element("g", { class: "badge" });
    link.append(note, badge);
    group.append(link);
    drawn.states.set(node.id, { node, link, note, badge });
    if (node.inner) drawLevel(node.inner, node.left + node.inner.x, node.top + node.inner.y, group);
  }

  function drawLevel(level, x, y, group) {
    // Lines between containers are drawn below them; the states follow in their order from top to bottom.
    for (const edge of level.edges) drawEdge(edge, x, y, group);
    const ordered = [...level.nodes].sort((one, other) => one.y - other.y || one.x - other.x);
    for (const node of ordered) drawNode(node, x, y, group);
  }

  function arrow(id) {
    const shape = { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" };
    return element("marker", shape, element("path", { d: "M0 0L8 4L0 8z" }));
  }

  function drawBadge({ node, badge }, notes) {
    const text = notes.join(", ");
    if (badge.dataset.text === text) return;
    badge.dataset.text = text;
    badge.replaceChildren();
    if (!text) return;
    const across = width(text, NOTE_FONT) + 12;
    const left = node.left + node.width - across + 6;
    badge.append(element("rect", { x: left, y: node.top - 9, width: across, height: 18, rx: 9 }));
    badge.append(element("text", { x: left + across / 2, y: node.top + 4, "text-anchor": "middle" }, text));
  }

  function attribute(target, name, value) {
    if (target.getAttribute(name) !== value) target.setAttribute(name, value);
  }

  // Where Next and a Catch lead to the same state, the end of the state tells which of them was taken.
  function isOther(edge, current) {
    const hasOther = drawn.edges.some((each) => each.source === edge.source && each.target === edge.target && each.isCatch !== edge.isCatch);
    return hasOther && edge.isCatch !== Boolean(current.states[edge.source]?.isCaught);
  }

  function update() {
    const current = read("graph-state");
    for (const [id, shown] of drawn.states) {
      const state = current.states[id];
      const { node, link, note } = shown;
      const selected = id === current.selected;
      attribute(link, "class", `state ${state ? `is-${state.tone}` : "unreached"}${node.inner ? " container" : ""}${selected ? " selected" : ""}`);
      attribute(link, "aria-label", [node.name, kind(node), state ? state.label : "not entered", ...(state?.notes ?? [])].join(", "));
      if (selected) attribute(link, "aria-current", "true");
      else link.removeAttribute("aria-current");
      const text = state ? `${kind(node)} · ${state.label}` : kind(node);
      if (note.textContent !== text) note.textContent = text;
      drawBadge(shown, state?.notes ?? []);
    }
    const taken = new Set(current.taken.map((edge) => JSON.stringify(edge)));
    for (const edge of drawn.edges) {
      const isTaken = taken.has(JSON.stringify([edge.source, edge.target])) && !isOther(edge, current);
      edge.element.classList.toggle("taken", isTaken);
      attribute(edge.line, "marker-end", isTaken ? "url(#arrow-taken)" : "url(#arrow)");
    }
    return current;
  }

  // ---------------------------------------------------------------- Moving and zooming

  const structure = read("graph");
  const root = element("g");
  const svg = element(
    "svg",
    { role: "group", "aria-label": `Graph of ${box.dataset.name}` },
    element("defs", {}, arrow("arrow"), arrow("arrow-taken")),
    root,
  );
  let size = { width: 0, height: 0 };
  const view = { x: 0, y: 0, scale: 1, moved: false };
  const key = `graph ${location.pathname}`;

  function show() {
    root.setAttribute("transform", `translate(${view.x.toFixed(1)} ${view.y.toFixed(1)}) scale(${view.scale.toFixed(4)})`);
    box.classList.toggle("moved", view.moved);
  }

  function remember() {
    view.moved = true;
    show();
    try {
      sessionStorage.setItem(key, JSON.stringify(view));
    } catch {
      // Without storage, the next page begins with the whole graph.
    }
  }

  function zoom(factor, x = box.clientWidth / 2, y = box.clientHeight / 2) {
    const scale = Math.min(MAX_SCALE, Math.max(0.05, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    remember();
  }

  function center(node) {
    view.x = box.clientWidth / 2 - (node.left + node.width / 2) * view.scale;
    view.y = box.clientHeight / 2 - (node.top + Math.min(node.height, 80) / 2) * view.scale;
  }

  // Shows the whole graph, or with `mayBePart`, if its text could then not be read, the part of it that matters.
  function fit(current, mayBePart = false) {
    const margin = 16;
    const across = (box.clientWidth - 2 * margin) / size.width;
    const down = (box.clientHeight - 2 * margin) / size.height;
    const whole = Math.min(1, across, down);
    view.scale = mayBePart && whole < SMALLEST_FIT ? PART_SCALE : whole;
    view.x = (box.clientWidth - size.width * view.scale) / 2;
    view.y = whole < view.scale ? margin : (box.clientHeight - size.height * view.scale) / 2;
    const running = Object.entries(current.states).filter(([, state]) => state.tone === "busy").at(-1)?.[0];
    const wanted = drawn.states.get(current.selected ?? running ?? structure.start);
    if (whole < view.scale && wanted) {
      const { x, y } = view;
      center(wanted.node);
      // A side that fits is shown whole.
      if (size.width * view.scale <= box.clientWidth) view.x = x;
      if (size.height * view.scale <= box.clientHeight) view.y = y;
      else view.y = Math.min(margin, view.y);
    }
    show();
  }

  function fitAll() {
    view.moved = false;
    try {
      sessionStorage.removeItem(key);
    } catch {
      // As above.
    }
    fit(read("graph-state"));
  }

  function addButtons() {
    const bar = document.createElement("div");
    bar.className = "zoom";
    for (const [text, name, act] of [["+", "Zoom in", () => zoom(STEP)], ["−", "Zoom out", () => zoom(1 / STEP)], ["Fit", "Show the whole graph", fitAll]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = name;
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
      bar.append(button);
    }
    box.append(bar);
  }

  function addDrag() {
    const pointers = new Map();
    let last = null;
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pointers.set(event.pointerId, event);
      last = { x: event.clientX, y: event.clientY, drags: false };
    });
    svg.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      if (pointers.size === 2) {
        const [other] = [...pointers.values()].filter((each) => each.pointerId !== event.pointerId);
        const before = pointers.get(event.pointerId);
        const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
        const { left, top } = box.getBoundingClientRect();
        zoom(distance(event) / distance(before), (event.clientX + other.clientX) / 2 - left, (event.clientY + other.clientY) / 2 - top);
      } else if (last.drags || Math.hypot(event.clientX - last.x, event.clientY - last.y) > 4) {
        // Captured only now, so that a click still reaches the link below it.
        if (!last.drags) svg.setPointerCapture(event.pointerId);
        view.x += event.clientX - last.x;
        view.y += event.clientY - last.y;
        last = { x: event.clientX, y: event.clientY, drags: true };
        remember();
      }
      pointers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      svg.addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
  }

  function addKeys() {
    const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in moves) {
        view.x += moves[event.key][0];
        view.y += moves[event.key][1];
        remember();
      } else if (event.key === "+" || event.key === "=") zoom(STEP);
      else if (event.key === "-") zoom(1 / STEP);
      else if (event.key === "0") fitAll();
      else return;
      event.preventDefault();
    });
    box.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      const { left, top } = box.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
    }, { passive: false });
    svg.addEventListener("focusin", (event) => {
      const found = [...drawn.states.values()].find(({ link }) => link === event.target);
      if (!found || !found.link.matches(":focus-visible")) return;
      box.scrollTo(0, 0); // the browser scrolls what is clipped
      const { node } = found;
      const left = view.x + node.left * view.scale;
      const top = view.y + node.top * view.scale;
      const isVisible = left >= 0 && top >= 0 && left + node.width * view.scale <= box.clientWidth && top + 40 * view.scale <= box.clientHeight;
      if (isVisible) return;
      center(node);
      show();
    });
  }

  function stored() {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  function start() {
    performance.mark("graph-begin");
    const { top } = levels(structure);
    size = layOut(top);
    performance.mark("graph-laid-out");
    drawLevel(top, 0, 0, root);
    const current = update();
    box.replaceChildren(svg);
    addButtons();
    addDrag();
    addKeys();
    const before = stored();
    if (before) {
      Object.assign(view, before);
      show();
    } else {
      fit(current, true);
    }
    box.dataset.drawn = "true";
    performance.mark("graph-drawn");
    performance.measure("graph-layout", "graph-begin", "graph-laid-out");
    performance.measure("graph-draw", "graph-laid-out", "graph-drawn");

    document.querySelector("main").addEventListener("content-changed", update);
    new ResizeObserver(() => view.moved || fit(read("graph-state"), true)).observe(box);
  }

  // A large graph takes a moment: the rest of the page is shown before.
  if (structure.nodes.length > 100) requestAnimationFrame(() => setTimeout(start));
  else start();
})();
