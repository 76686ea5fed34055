/**
 * The script of the inspector page, as it runs in a browser: jobs, and of one of them where it stands, its cycles, its events
 * as they come, its facts and where each comes from.
 *
 * It asks the API of this server and nothing else, by paths that are relative to the page's, so that a prefix is no matter to
 * it. What it is told is only ever put into the page as text. Boundary: plain JavaScript in a string; no build, no library.
 */

export const inspectorScript = String.raw`"use strict"
const api = "api/v1/jobs"
const shownEvents = 500
const find = (id) => document.getElementById(id)
const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
    else node.setAttribute(name, value)
  }
  node.append(...children)
  return node
}
const fill = (id, ...children) => find(id).replaceChildren(...children)
const number = (n) => n.toLocaleString("en-US")
const plural = (n, word) => number(n) + " " + word + (n === 1 ? "" : "s")
const at = (id) => api + "/" + encodeURIComponent(id)
const refOf = ({ kind, id }) => kind + "/" + id

let token = sessionStorage.getItem("converge-token") ?? ""
let chosen = decodeURIComponent(location.hash.slice(1))
let tab = "cycles"
let watch
let job
let log
let facts

const newLog = () => ({ last: 0, events: [], cycles: new Map(), kinds: new Map(), note: "", isRead: false })

/** Asks the server. Undefined if it refused or is not there; the page says why. */
const ask = async (path, options = {}) => {
  const headers = { ...options.headers, ...(token === "" ? {} : { authorization: "Bearer " + token }) }
  let response
  try {
    response = await fetch(path, { ...options, headers })
  } catch (error) {
    if (error.name !== "AbortError") say("the server does not answer")
    return undefined
  }
  find("access").hidden = response.status !== 401
  if (response.ok) return response
  const problem = await response.json().catch(() => ({}))
  say(response.status + " " + [...new Set([problem.title, problem.detail])].filter(Boolean).join(": "))
  return undefined
}

const say = (text) => fill("said", text)

const stateOf = (state) => make("span", { class: "state " + state }, state)

const drawList = ({ jobs }) => {
  const rows = jobs.map(({ jobId, program, state, cycle }) =>
    make(
      "a",
      { href: "#" + encodeURIComponent(jobId), class: jobId === chosen ? "job chosen" : "job" },
      make("b", {}, program),
      stateOf(state),
      make("small", {}, jobId),
      make("small", {}, "cycle " + number(cycle))
    )
  )
  fill("jobs", ...(rows.length === 0 ? [make("p", { class: "hint" }, "No jobs yet. POST one to /api/v1/jobs.")] : rows))
}

const phases = ["eligible", "executing", "merging", "checking"]
const rests = ["queued", "paused", "awaiting", "suspended"]

/** Where the job stands in its machine. */
const drawMachine = () => {
  const here = job.state === "running" ? (job.phase ?? "").split(".").at(-1) : job.state
  const box = (name, extra) => make("span", { class: (name === here ? "box here " : "box ") + (extra ?? "") }, name)
  const live = rests.includes(job.state) ? job.state : "running"
  const end = ["converged", "budget-exhausted", "failed", "cancelled"].includes(job.state) ? job.state : "halted"
  const arrow = () => make("i", {}, "\u2192")
  const loop = phases.flatMap((phase, index) => (index === 0 ? [box(phase)] : [arrow(), box(phase)]))
  fill("machine", box(live, "outer"), arrow(), make("span", { class: "loop" }, ...loop), arrow(), box(end, end))
}

const buttons = { pause: ["running", "queued"], resume: ["paused", "suspended"], cancel: ["running", "queued", "paused", "awaiting", "suspended"] }

const drawJob = () => {
  find("none").hidden = true
  find("one").hidden = false
  fill("title", make("b", {}, job.program), " ", make("small", {}, job.jobId), " ", stateOf(job.state))
  drawMachine()
  const { usage } = job
  const parts = [["cycle", number(job.cycle)], ["tier", String(job.tier ?? "")], ["hash", job.hash.slice(0, 12)]]
  if (usage !== null) {
    parts.push(["facts", number(usage.facts)], ["tasks", number(usage.agents)], ["context", number(usage.contextBytes) + " bytes"])
    parts.push(["duration", number(Math.round(usage.durationMs)) + " ms"], ["CPU", number(Math.round(usage.cpuMs)) + " ms"])
  }
  fill("numbers", ...parts.map(([name, value]) => make("span", {}, make("small", {}, name), " " + value)))
  for (const [name, states] of Object.entries(buttons)) find(name).disabled = !states.includes(job.state)
}

const took = (event) => {
  log.last = event.seq
  log.events.push(event)
  if (log.events.length > shownEvents) log.events.shift()
  if (event._tag === "CycleStarted") log.cycles.set(event.cycle, { ...event, facts: 0, discarded: 0 })
  const cycle = log.cycles.get(event.cycle)
  if (event._tag === "TaskDiscarded" && cycle !== undefined) cycle.discarded++
  const more = event._tag === "FactsCommitted" ? event.facts : event._tag === "JobStarted" ? event.seeds : []
  if (cycle !== undefined && event._tag === "FactsCommitted") cycle.facts += more.length
  for (const { kind } of more) log.kinds.set(kind, (log.kinds.get(kind) ?? 0) + 1)
}

/** What an event says, in a line. */
const told = (event) => {
  const by = [event.agent, event.each && refOf(event.each)].filter(Boolean).join(" of ")
  switch (event._tag) {
    case "JobStarted":
      return event.program + ", " + plural(event.seeds.length, "seed")
    case "CycleStarted":
      return "tier " + event.tier + ", " + plural(event.tasks, "task") + ": " + event.agents.join(", ")
    case "FactsCommitted":
      return (by === "" ? "a signal" : by) + ": " + event.facts.slice(0, 4).map(refOf).join(", ") + (event.facts.length > 4 ? " and " + number(event.facts.length - 4) + " more" : "")
    case "TaskDiscarded":
      return by + ": " + event.cause._tag + " " + (event.cause.message ?? "")
    case "IntentCommitted":
    case "IntentAnswered":
      return by + ": " + event.kind
    case "JobHalted":
      return event.status + (event.error === undefined ? "" : ": " + event.error._tag + " " + (event.error.message ?? "")) + ", " + event.hash.slice(0, 12)
    case "Missed":
      return "numbers " + event.from + " to " + event.to + " are not kept any more"
    default:
      return by || event.name || (event.tier === undefined ? "" : "tier " + event.tier)
  }
}

const table = (heads, rows) =>
  make("table", {}, make("tr", {}, ...heads.map((head) => make("th", {}, head))), ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell)))))

const views = {
  cycles: () => [
    table(
      ["cycle", "tier", "tasks", "facts", "discarded", "agents"],
      [...log.cycles.values()].slice(-shownEvents).reverse().map((it) => [number(it.cycle), String(it.tier), number(it.tasks), number(it.facts), number(it.discarded), it.agents.join(", ")])
    )
  ],
  events: () => [table(["", "cycle", "event", ""], [...log.events].reverse().map((it) => [String(it.seq ?? ""), String(it.cycle ?? ""), it._tag, told(it)]))],
  facts: () => [
    make("p", { class: "kinds" }, ...["", ...[...log.kinds.keys()].sort()].map((kind) => make("button", { class: kind === facts.kind ? "on" : "", onclick: () => openFacts(kind) }, kind === "" ? "all" : kind + " " + number(log.kinds.get(kind))))),
    ...facts.list.map((fact) => make("details", {}, make("summary", { onclick: () => explain(fact) }, make("b", {}, fact.kind), " " + fact.id + " ", make("small", {}, "cycle " + fact.provenance.cycle + ", " + (fact.provenance.agent || fact.provenance.origin))), make("pre", {}, JSON.stringify(fact.value, undefined, 2)), make("div", { id: "why " + refOf(fact) }))),
    ...(facts.cursor === null ? [] : [make("button", { onclick: () => moreFacts() }, "more")])
  ],
  result: () => [make("pre", {}, job.result === null ? "It has not halted." : JSON.stringify(job.result, undefined, 2))]
}

const draw = () => {
  for (const name of Object.keys(views)) find("tab-" + name).className = name === tab ? "on" : ""
  if (job !== undefined) fill("view", ...views[tab]())
  fill("note", log === undefined ? "" : log.note)
}

let isDue = false
/** Many events come at once: the page is drawn once for all of them. */
const drawSoon = () => {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    if (tab === "cycles" || tab === "events") draw()
  })
}

const moreFacts = async () => {
  const asked = facts
  const query = new URLSearchParams({ limit: "100", ...(asked.kind === "" ? {} : { kind: asked.kind }), ...(asked.cursor === null ? {} : { cursor: asked.cursor }) })
  const response = await ask(at(chosen) + "/facts?" + query)
  if (response === undefined || asked !== facts) return
  const page = await response.json()
  asked.list.push(...page.facts)
  asked.cursor = page.cursor
  draw()
}

const openFacts = (kind) => {
  facts = { kind, list: [], cursor: null }
  return moreFacts()
}

const explain = async (fact) => {
  const place = find("why " + refOf(fact))
  if (place.childNodes.length > 0) return
  const response = await ask(at(chosen) + "/facts/" + encodeURIComponent(fact.kind) + "/" + encodeURIComponent(fact.id) + "/explain")
  if (response === undefined) return
  const { nodes } = await response.json()
  const seen = new Set()
  const branch = (index) => {
    const { kind, id, provenance, causes, omitted } = nodes[index]
    if (seen.has(index)) return make("li", {}, make("b", {}, kind), " " + id + " ", make("small", {}, "as above"))
    seen.add(index)
    const line = make("span", {}, make("b", {}, kind), " " + id + " ", make("small", {}, "cycle " + provenance.cycle + ", " + (provenance.agent || provenance.origin)))
    const below = causes.map(branch)
    const rest = omitted > 0 ? [make("li", {}, make("small", {}, "and " + number(omitted) + " more"))] : []
    return make("li", {}, line, ...(below.length + rest.length > 0 ? [make("ul", {}, ...below, ...rest)] : []))
  }
  place.replaceChildren(make("ul", { class: "tree" }, branch(0)))
}

/** Reads the events of a job, as they come, until its stream ends; the next look comes back for the rest. */
const follow = async (id, signal) => {
  if (log.isRead || isOver()) return
  const own = log
  own.isRead = true
  try {
    const response = await ask(at(id) + "/events", { signal, headers: { accept: "application/x-ndjson", "last-event-id": String(own.last) } })
    if (response === undefined || response.status === 204) return
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done || own !== log) break
      const lines = (rest + value).split("\n")
      rest = lines.pop()
      for (const line of lines) {
        if (line === "") continue
        const event = JSON.parse(line)
        if (event._tag === "Goodbye") own.note = "The server is shutting down; the job may go on."
        else if (event._tag === "Missed") own.events.push(event)
        else took(event)
      }
      drawSoon()
    }
  } catch {
    // It was cut off.
  } finally {
    own.isRead = false
  }
}

const isOver = () => log.events.at(-1)?._tag === "JobHalted"

const open = (id) => {
  watch?.abort()
  watch = new AbortController()
  chosen = id
  log = newLog()
  job = undefined
  find("none").hidden = false
  find("one").hidden = true
  void openFacts("")
}

const look = async () => {
  const response = await ask(api + "?limit=100")
  if (response !== undefined) {
    say("")
    drawList(await response.json())
  }
  if (chosen === "" || (job !== undefined && job.result !== null && isOver())) return
  const id = chosen
  const one = await ask(at(id))
  if (one === undefined || id !== chosen) return
  job = await one.json()
  drawJob()
  // What is open among the facts stays open.
  if (tab !== "facts") draw()
  void follow(id, watch.signal)
}

const lookEvery = 1000
let lookedAt = 0
let isLooking = false
/** Looks again and again, for as long as the page is seen: a browser draws no frames of a page that is not. */
const frame = (now) => {
  requestAnimationFrame(frame)
  if (isLooking || now - lookedAt < lookEvery) return
  lookedAt = now
  isLooking = true
  void look().finally(() => (isLooking = false))
}

for (const name of Object.keys(buttons)) {
  find(name).addEventListener("click", async () => {
    await ask(at(chosen) + "/" + name, { method: "POST" })
    await look()
  })
}
for (const name of Object.keys(views)) {
  find("tab-" + name).addEventListener("click", () => {
    tab = name
    if (name === "facts") void openFacts(facts.kind)
    draw()
  })
}
find("access").addEventListener("submit", (event) => {
  event.preventDefault()
  token = find("token").value
  sessionStorage.setItem("converge-token", token)
  if (chosen !== "") open(chosen)
  void look()
})
addEventListener("hashchange", () => {
  open(decodeURIComponent(location.hash.slice(1)))
  void look()
})
if (chosen !== "") open(chosen)
void look()
requestAnimationFrame(frame)
`
