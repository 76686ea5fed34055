/** The command line, the console and HTTP do the same: each command has its route or a reason, and each route its command. */
import * as HttpApi from "effect/http-api/HttpApi"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import { Api } from "../../src/server/Server.ts"
import { counting } from "../support/cli/count.ts"
import { converge, type Ended, module, runCount } from "../support/cli/inProcess.ts"
import { projectRoot } from "../support/node.ts"
import { type Running, serve } from "../support/server/harness.ts"

vi.setConfig({ testTimeout: 60_000 })

/** The routes that do what a command does. */
const routesOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  run: ["POST /api/v1/jobs"],
  resume: ["POST /api/v1/jobs/:id/resume"],
  jobs: ["GET /api/v1/jobs"],
  show: [
    "GET /api/v1/jobs/:id",
    "GET /api/v1/jobs/:id/facts",
    "GET /api/v1/jobs/:id/diagnosis",
    "GET /api/v1/jobs/:id/tasks"
  ],
  watch: ["GET /api/v1/jobs/:id/events", "GET /api/v1/jobs/:id/telemetry"],
  cancel: ["POST /api/v1/jobs/:id/cancel"],
  approvals: ["GET /api/v1/approvals", "GET /api/v1/jobs/:id/approvals"],
  approve: ["POST /api/v1/jobs/:id/approvals", "POST /api/v1/jobs/:id/approvals/:approvalId"],
  signal: ["POST /api/v1/jobs/:id/signals"],
  pause: ["POST /api/v1/jobs/:id/pause"],
  replay: ["GET /api/v1/jobs/:id/replay"],
  diff: ["GET /api/v1/jobs/:id/diff", "GET /api/v1/jobs/:id/diff/:otherId"],
  explain: [
    "GET /api/v1/jobs/:id/explain",
    "GET /api/v1/jobs/:id/facts/:kind/:factId/explain",
    "GET /api/v1/jobs/:id/versions/:version/explain"
  ],
  lineage: ["GET /api/v1/jobs/:id/lineage"],
  events: ["GET /api/v1/jobs/:id/events"],
  fork: ["POST /api/v1/jobs/:id/fork"],
  verify: ["GET /api/v1/jobs/:id/verify"],
  prune: ["POST /api/v1/prune"],
  delete: ["DELETE /api/v1/jobs/:id"],
  backup: ["POST /api/v1/backup"]
}

/** The routes from which commands read the journals of a server, as they read those of a file. */
const ofJournals = [
  "GET /api/v1/journals",
  ...["", "/rows", "/base", "/kept"].map((part) => `GET /api/v1/jobs/:id/journal${part}`)
]

/** Commands without a route, and why. */
const ofThisMachine: Readonly<Record<string, string>> = {
  restore: "it replaces a file of this machine, while no server has it open",
  inspect: "it writes a file of this machine; the server has the page of each job",
  export: "it writes a file of this machine",
  rehearse: "it runs the code of this machine",
  simulate: "it runs the code of this machine, over and over",
  serve: "it is the server",
  machine: "it prints what is the same for every job",
  help: "it explains commands"
}

/** Routes without a command, and why. */
const ofServers: Readonly<Record<string, string>> = {
  "GET /api/v1/jobs/:id/timeline": "the console draws it",
  "GET /api/v1/jobs/:id/work": "the console draws it",
  "GET /api/v1/jobs/:id/kinds": "converge show counts the facts that it lists",
  "GET /api/v1/jobs/:id/input": "converge replay shows it",
  "GET /api/v1/jobs/:id/intents":
    "converge replay and show list them; their answers are facts and events, which show and events print",
  "GET /api/v1/jobs/:id/history": "converge diff shows what a cycle revised",
  "GET /api/v1/me": "a command is refused with the reason",
  "GET /api/v1/programs": "a module names its programs itself",
  "GET /metrics": "it is for a monitor",
  "GET /health": "it is for a monitor",
  "GET /ready": "it is for a monitor"
}

const routes: Array<string> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint }) => routes.push(`${endpoint.method} ${endpoint.path}`)
})

const allCommands = async (): Promise<ReadonlyArray<string>> => {
  const { stdout } = await converge(["--help"])
  const [, list = ""] = stdout.split("SUBCOMMANDS\n")
  return [...list.matchAll(/^ {2}(\w+) /gm)].map(([, name = ""]) => name)
}

describe("the command line and HTTP", () => {
  it("have the same operations: every command and every route is accounted for", async () => {
    const commands = await allCommands()
    expect(commands.length).toBeGreaterThan(15)
    expect([...commands].sort()).toEqual([...Object.keys(routesOf), ...Object.keys(ofThisMachine)].sort())
    const accounted = new Set([...Object.values(routesOf).flat(), ...ofJournals, ...Object.keys(ofServers)])
    expect([...routes].sort()).toEqual([...accounted].sort())
  })

  it("have each of those routes in docs/http.md, with its method", () => {
    const page = readFileSync(join(projectRoot, "docs/http.md"), "utf8")
    const isShown = (route: string): boolean => {
      const [, method = "", path = ""] = /^(\w+) (?:\/api\/v1)?(.*)$/.exec(route) ?? []
      // A line to run has an id in place of the parameter.
      const pattern = path.replaceAll("/", "\\/").replaceAll(/:(\w+)/g, "(?::$1|[\\w%-]+)")
      const named = new RegExp(`${pattern}(?![\\w/])`)
      if (method === "GET") return named.test(page)
      const rows = page.split("\n").filter((line) => named.test(line))
      // A request with a body is a POST.
      const ways = [`\`${method} `, `-X ${method} `, ...(method === "POST" ? [" -d "] : [])]
      return rows.some((line) => ways.some((way) => line.includes(way)))
    }
    expect(routes.filter((route) => !isShown(route))).toEqual([])
    expect(isShown("GET /api/v1/jobs/:id/nothing")).toBe(false)
    expect(isShown("PATCH /api/v1/jobs/:id")).toBe(false)
  })
})

describe("the console", () => {
  /** The requests in the sources of the console, as routes. */
  const asked = (): ReadonlySet<string> => {
    const folder = join(projectRoot, "src/inspector/console")
    const sources = readdirSync(folder)
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("\n")
    const found = new Set<string>()
    const add = (pattern: RegExp, route: (name: string, method: string) => string): void => {
      for (const [, name = "", method = "GET"] of sources.matchAll(pattern)) found.add(route(name, method))
    }
    const ofJob = (name: string, method: string) => `${method} /api/v1/jobs/:id${name === "" ? "" : `/${name}`}`
    add(/ofJob\((?:id|jobId)(?:,\s*["`]\/(?!versions)(\w+)[^\n]*?)?\)(?:,\s*\{\s*method:\s*"(\w+)")?/g, ofJob)
    add(/\bof<\w+>\("(\w+)"/g, ofJob)
    add(/steer\("(\w+)"\)/g, (name) => ofJob(name, "POST"))
    add(/act<[^\n]*>\("\w+", "(\w*)", "(\w+)"\)/g, ofJob)
    add(/ofJob\(jobId, `\/versions\/\$\{version\}\/explain/g, () => "GET /api/v1/jobs/:id/versions/:version/explain")
    add(/`\/diff\//g, () => "GET /api/v1/jobs/:id/diff/:otherId")
    add(/`\/diff\?/g, () => "GET /api/v1/jobs/:id/diff")
    add(/["`](jobs)\$\{queryOf/g, (name) => `GET /api/v1/${name}`)
    add(/ask<[^\n]*>\("(\w+)"\)/g, (name) => `GET /api/v1/${name}`)
    add(/["`](approvals)\$\{query/g, (name) => `GET /api/v1/${name}`)
    return found
  }

  it("asks nothing that has no route, and the sources show all that it asks", () => {
    const found = [...asked()].toSorted()
    expect(found.filter((route) => !routes.includes(route))).toEqual([])
    const ofJob = (...names: ReadonlyArray<string>) => names.map((name) => `/api/v1/jobs/:id/${name}`)
    expect(found).toEqual(
      [
        "DELETE /api/v1/jobs/:id",
        ...[
          "approvals",
          "jobs",
          "jobs/:id",
          "jobs/:id/diff/:otherId",
          "jobs/:id/versions/:version/explain",
          "me",
          "programs"
        ].map((path) => `GET /api/v1/${path}`),
        ...ofJob(
          "approvals",
          "diagnosis",
          "diff",
          "events",
          "explain",
          "facts",
          "history",
          "input",
          "intents",
          "kinds"
        ).map((path) => `GET ${path}`),
        ...ofJob("lineage", "replay", "tasks", "telemetry", "timeline", "work").map((path) => `GET ${path}`),
        ...ofJob("approvals", "cancel", "fork", "pause", "resume").map((path) => `POST ${path}`)
      ].toSorted()
    )
  })
})

describe("a command about jobs", () => {
  const folder = mkdtempSync(join(tmpdir(), "converge-parity-"))
  const file = join(folder, "jobs.db")
  const out = join(folder, "out")
  let running: Running
  beforeAll(async () => {
    await runCount("counting", ["--quiet", "--store", file, "--id", "co"])
    await runCount("counting", ["--quiet", "--store", file, "--id", "co2"])
    running = await serve({ programs: [counting] }, { store: JobStore.layerSqlite({ filename: file }) })
  })
  afterAll(async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  type Calls = ReadonlyArray<ReadonlyArray<string>>
  /** Calls of each command that takes a place. They change nothing, or they are refused by the place. */
  const calls: Readonly<Record<string, Calls>> = {
    run: [["-p", "nothing"]],
    resume: [["co"]],
    jobs: [[]],
    show: [["co"], ["--id", "co"]],
    watch: [["co"]],
    cancel: [["nobody"]],
    approvals: [[], ["co"]],
    approve: [["nobody", "go"]],
    signal: [["nobody", "--fact", "Number={}"]],
    pause: [["nobody"]],
    replay: [["co"]],
    diff: [
      ["co", "0", "1"],
      ["co", "co2"]
    ],
    explain: [["co", "Number/n/0"]],
    lineage: [["co", "Number/n/0"]],
    events: [["co"]],
    fork: [["nobody", "--at", "1"]],
    verify: [[], ["co"], ["co", "co2"], ["--id", "co"], ["co", "--id", "co2"], ["nobody"]],
    prune: [["--older-than", "7d"]],
    delete: [["nobody", "--yes"]],
    backup: [[out]],
    inspect: [["co", "--out", out]],
    export: [["co", "--out", out]],
    rehearse: [[module("count"), "--job", "co"]]
  }
  const onlyOfServers = new Set(["approve", "signal", "pause"])
  /** Commands with a flag for a file that they make or replace, and where their tests are. */
  const ofFiles = { restore: "backup.test.ts", serve: "test/server/serve.test.ts", simulate: "" }

  const shown = async (args: ReadonlyArray<string>, environment: Record<string, string>): Promise<Ended> => {
    rmSync(out, { force: true })
    const ended = await converge(args, { environment })
    // The log of the server, which is in the same process, has times.
    return { ...ended, stderr: ended.stderr.replace(/^\[[\d:.]+\] .*\n/gm, "") }
  }

  it("is tried here if it has a flag for a place", async () => {
    const takes: Array<string> = []
    for (const command of await allCommands()) {
      const { stdout } = await converge([command, "--help"])
      if (/^ +(-\w, )?--(server|store) /m.test(stdout)) takes.push(command)
    }
    const known = [...Object.keys(calls), ...Object.keys(ofFiles)]
    expect(takes.filter((command) => !known.includes(command))).toEqual([])
    expect(Object.keys(calls).filter((command) => !takes.includes(command))).toEqual([])
  })

  it.each(Object.entries(calls).flatMap(([command, list]) => list.map((args) => [command, ...args])))(
    "takes its server from the environment: %s %s %s",
    async (...args) => {
      const flagged = await shown([...args, "--server", running.url], {})
      expect(flagged.stdout + flagged.stderr).not.toBe("")
      expect(flagged.stderr).not.toMatch(/which server|where are the jobs|no such package/)
      expect(await shown(args, { CONVERGE_SERVER: running.url })).toEqual(flagged)
    }
  )

  it.each(
    Object.entries(calls)
      .filter(([command]) => !onlyOfServers.has(command) && command !== "run")
      .flatMap(([command, list]) => list.map((args) => [command, ...args]))
  )("takes its file from the environment: %s %s %s", async (...args) => {
    const [command = "", id = "", ...rest] = args
    const withModule: Readonly<Record<string, ReadonlyArray<string>>> = {
      resume: [command, module("count"), "--id", id],
      fork: [command, module("count"), id, ...rest]
    }
    const of = withModule[command] ?? args
    const flagged = await shown([...of, "--store", file], {})
    expect(flagged.stdout + flagged.stderr).not.toBe("")
    expect(flagged.stderr).not.toMatch(/which file|where are the jobs|no such package/)
    expect(await shown(of, { CONVERGE_STORE: file })).toEqual(flagged)
  })

  it("leaves a module a module: verify runs it, and says which one is missing", async () => {
    const environment = { CONVERGE_STORE: file }
    const args = ["-p", "counting", "--workers", "0", "--shuffles", "0", "--quiet"]
    expect((await converge(["verify", module("count"), ...args], { environment })).stdout).toContain("counting")
    const missing = await converge(["verify", "./missing.ts"], { environment })
    expect([missing.code, missing.stderr]).toMatchObject([64, expect.stringContaining("cannot find ./missing.ts")])
    const alone = await converge(["verify", "co"])
    expect([alone.code, alone.stderr]).toMatchObject([64, expect.stringContaining("no such package")])
  })
})
