/**
 * The packages against which effect-converge is measured: whether they are installed, their versions, and their
 * installation. Boundary: they live in test/bench's own node_modules; nothing else of the project ever needs them.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { postgresVersion } from "./postgres.ts"
import { prologVersion } from "./prolog.ts"

const packages = {
  dbos: "@dbos-inc/dbos-sdk",
  langgraph: "@langchain/langgraph",
  "langgraph-sqlite": "@langchain/langgraph-checkpoint-sqlite",
  piscina: "piscina",
  tinypool: "tinypool"
} as const

export type PeerName = keyof typeof packages

const names = Object.keys(packages) as ReadonlyArray<PeerName>
const folder = new URL("../", import.meta.url)
const manifestOf = (name: PeerName): URL => new URL(`node_modules/${packages[name]}/package.json`, folder)

export const isInstalled = (name: PeerName): boolean => existsSync(manifestOf(name))

/** The versions of the installed peers, by the name of the package or program. */
export const versions = (): Readonly<Record<string, string>> => {
  const installed = names.filter(isInstalled).map((name): readonly [string, string] => {
    const { version } = JSON.parse(readFileSync(manifestOf(name), "utf8")) as { readonly version: string }
    return [packages[name], version]
  })
  const programs = [["PostgreSQL", postgresVersion()] as const, ["SWI-Prolog", prologVersion()] as const]
  const present = programs.flatMap(([name, version]) => (version === undefined ? [] : [[name, version] as const]))
  return Object.fromEntries([...installed, ...present])
}

/** Installs the peers if one is missing. */
export const install = (): void => {
  if (names.every(isInstalled)) return
  console.log("installing the peers in test/bench ...")
  const options = { cwd: fileURLToPath(folder), shell: true, stdio: "inherit" } as const
  const { status } = spawnSync("npm install --no-audit --no-fund", options)
  if (status !== 0) throw new Error("the peers could not be installed")
}

/** Loads a peer. The caller declares the part of its interface that it uses. */
export const load = <Module>(name: PeerName): Promise<Module> => import(packages[name]) as Promise<Module>
