/**
 * The picture of the rooms: floors of folders, drawn from the imports of the sources, types included.
 *
 * A room stands one floor above the highest room that it imports. Arrows that follow from others are left out: what a room
 * reaches through another one, it is not drawn to reach by itself.
 */
import { readdirSync, readFileSync } from "node:fs"
import { importsOf, type SourceFile } from "../test/support/houseStyle.ts"

const root = new URL("../", import.meta.url)

const read = (folder: string): ReadonlyArray<SourceFile> =>
  readdirSync(new URL(folder, root), { withFileTypes: true, recursive: true })
    // The console runs in a browser, and takes only types of the server.
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("inspector/console"))
    .map((entry) => {
      const path = `${entry.parentPath}/${entry.name}`
        .slice(decodeURIComponent(root.pathname).length)
        .replace("//", "/")
      return { path, text: readFileSync(new URL(path, root), "utf8") }
    })

const roomOf = (path: string): string => {
  const [top = "", next = ""] = path.split("/")
  return top === "src" ? next : top
}

type Imports = ReadonlyMap<string, ReadonlySet<string>>

const importsByRoom = (): Imports => {
  const rooms = new Map<string, Set<string>>()
  for (const file of [...read("src/"), ...read("machines/")]) {
    const room = roomOf(file.path)
    const targets = rooms.get(room) ?? new Set<string>()
    rooms.set(room, targets)
    for (const { target } of importsOf(file)) {
      if (target !== undefined && roomOf(target) !== room) targets.add(roomOf(target))
    }
  }
  return rooms
}

/** All that a room reaches, by any way. */
const reachOf = (rooms: Imports, room: string): ReadonlySet<string> => {
  const reached = new Set<string>()
  const waiting = [...(rooms.get(room) ?? [])]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    waiting.push(...(rooms.get(next) ?? []))
  }
  return reached
}

const floorOf = (rooms: Imports, room: string): number =>
  Math.max(-1, ...[...(rooms.get(room) ?? [])].map((target) => floorOf(rooms, target))) + 1

/** Limits are everybody's, and the list of public names is nobody's room: neither is drawn. */
const isDrawn = (room: string): boolean => !room.endsWith(".ts")

/** The rooms as a Mermaid flow chart, the highest on top. */
export const roomsPicture = (): string => {
  const all = importsByRoom()
  const rooms: Imports = new Map(
    [...all].filter(([room]) => isDrawn(room)).map(([room, targets]) => [room, new Set([...targets].filter(isDrawn))])
  )
  const names = [...rooms.keys()].toSorted((a, b) => floorOf(rooms, b) - floorOf(rooms, a) || a.localeCompare(b))
  const arrows = names.flatMap((room) => {
    const targets = [...rooms.get(room)!]
    const direct = targets.filter((target) => !targets.some((other) => reachOf(rooms, other).has(target)))
    return direct.toSorted().map((target) => `  ${room} --> ${target}`)
  })
  return ["```mermaid", "flowchart TD", ...names.map((name) => `  ${name}`), ...arrows, "```"].join("\n")
}
