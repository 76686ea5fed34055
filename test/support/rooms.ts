/**
 * The rooms of the house: a folder, what it may import, and how far in. test/tidy.test.ts has the table, runs these rules
 * over the project and proves that each of them can fail.
 *
 * All imports count, types too: who needs a type of another room knows that room.
 */
import { circlesOf, importsOf, isUnder, type SourceFile } from "./houseStyle.ts"

export interface Room {
  /** A folder that ends in "/", or a file. A file is in the room that names it most closely. */
  readonly place: string
  /** Rooms whose files it may import: `name`, all of them; `name(door)`, those of one of its doors. Itself it may. */
  readonly imports: ReadonlyArray<string>
  /** Files by which others come in who may not go everywhere, relative to the place; by the name of the door. */
  readonly doors?: Readonly<Record<string, ReadonlyArray<string>>>
}

export type Rooms = Readonly<Record<string, Room>>

/** The room of a file. */
export const roomOf = (rooms: Rooms, path: string): string | undefined =>
  Object.entries(rooms)
    .filter(([, { place }]) => isUnder(path, place))
    .toSorted(([, a], [, b]) => b.place.length - a.place.length)[0]?.[0]

/** Each file has a room and imports what its room may. */
export const checkRooms = (files: ReadonlyArray<SourceFile>, rooms: Rooms): ReadonlyArray<string> =>
  files.flatMap((file) => {
    const room = roomOf(rooms, file.path)
    return room === undefined ? [`${file.path} has no room`] : breaches(file, room, rooms)
  })

/** The table itself: it names rooms and doors that there are, and no way leads round in it. */
export const checkTable = (rooms: Rooms): ReadonlyArray<string> => {
  const ways = Object.entries(rooms).map(([room, { imports }]) => [room, imports.map(wayOf)] as const)
  const unknown = ways.flatMap(([room, imports]) =>
    imports
      .filter(
        ({ door, name }) => rooms[name] === undefined || (door !== undefined && doorOf(rooms, name, door) === undefined)
      )
      .map(
        ({ door, name }) => `${room} may import ${door === undefined ? name : `${name}(${door})`}, which is not there`
      )
  )
  const circles = circlesOf(new Map(ways.map(([room, imports]) => [room, imports.map(({ name }) => name)])))
  return [...unknown, ...circles.map((circle) => `the table leads round: ${circle.join(", ")}`)]
}

/** Every door names files that exist. A room that is kept for later has no files yet. */
export const checkDoors = (files: ReadonlyArray<SourceFile>, rooms: Rooms): ReadonlyArray<string> => {
  const paths = new Set(files.map(({ path }) => path))
  return Object.entries(rooms).flatMap(([name, { doors = {} }]) =>
    Object.keys(doors)
      .flatMap((door) => doorOf(rooms, name, door) ?? [])
      .filter((path) => !paths.has(path))
      .map((path) => `${name} has a door at ${path}, which is not there`)
  )
}

/** A test that takes public names takes them from an entry of the package, and not from the front file of a room. */
export const checkFace = (
  tests: ReadonlyArray<SourceFile>,
  rooms: Rooms,
  entries: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const fronts = new Set(Object.keys(rooms).flatMap((name) => doorOf(rooms, name, "front") ?? []))
  return tests.flatMap((file) =>
    importsOf(file)
      .flatMap(({ target }) => (target !== undefined && fronts.has(target) && !entries.includes(target) ? target : []))
      .map((target) => `${file.path} imports ${target}, whose names an entry exports`)
  )
}

/** Groups of rooms that import each other, types included. A file without a room counts for its folder. */
export const findRoomCycles = (
  files: ReadonlyArray<SourceFile>,
  rooms: Rooms
): ReadonlyArray<ReadonlyArray<string>> => {
  const placeOf = (path: string) => roomOf(rooms, path) ?? path.slice(0, path.lastIndexOf("/") + 1)
  const paths = new Set(files.map((file) => file.path))
  const edges = new Map<string, Array<string>>()
  for (const file of files) {
    const from = placeOf(file.path)
    const targets = importsOf(file).flatMap(({ target }) =>
      target !== undefined && paths.has(target) && placeOf(target) !== from ? [placeOf(target)] : []
    )
    edges.set(from, [...(edges.get(from) ?? []), ...targets])
  }
  return circlesOf(edges)
}

const breaches = (file: SourceFile, room: string, rooms: Rooms): ReadonlyArray<string> =>
  importsOf(file).flatMap(({ target }) => {
    // Packages are the business of other rules.
    if (target === undefined) return []
    const to = roomOf(rooms, target)
    const text = `${file.path} imports ${target}`
    if (to === undefined) return [`${text}, which has no room`]
    if (to === room) return []
    const ways = (rooms[room]?.imports ?? []).map(wayOf).filter(({ name }) => name === to)
    if (ways.length === 0) return [`${text}: ${room} may not import ${to}`]
    const isLetIn = ways.some(({ door }) => door === undefined || doorOf(rooms, to, door)?.includes(target))
    const doors = ways.map(({ door }) => door).join(", ")
    return isLetIn ? [] : [`${text}: ${room} may import only the ${doors} of ${to}`]
  })

const wayOf = (way: string): { readonly name: string; readonly door: string | undefined } => {
  const [, name = way, door] = /^(.+?)(?:\((\w+)\))?$/.exec(way) ?? []
  return { name, door }
}

/** The files of a door. A room that is one file is its own front. */
const doorOf = (rooms: Rooms, name: string, door: string): ReadonlyArray<string> | undefined => {
  const room = rooms[name]
  if (room === undefined) return undefined
  if (!room.place.endsWith("/")) return [room.place]
  return room.doors?.[door]?.map((path) => room.place + path)
}
