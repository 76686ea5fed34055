/**
 * Functions with the same normalised body.
 *
 * Boundary: pure; what makes two bodies the same is measures.ts.
 */
import type { Clone, FunctionMeasure } from "./facts.ts"

/** Groups of clones, those that repeat most first. A group that lies wholly inside members of larger ones is left out. */
export const findClones = (functions: ReadonlyArray<FunctionMeasure>): ReadonlyArray<Clone> => {
  const groups = new Map<string, Array<FunctionMeasure>>()
  for (const measured of functions) {
    if (measured.hash === "") continue
    const group = groups.get(measured.hash)
    if (group === undefined) groups.set(measured.hash, [measured])
    else group.push(measured)
  }
  const repeated = [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => group.sort(byPlace))
    .sort((a, b) => sizeOf(b) - sizeOf(a) || byPlace(a[0] as FunctionMeasure, b[0] as FunctionMeasure))
  const covered: Covered = new Map()
  const clones: Array<Clone> = []
  for (const group of repeated) {
    if (group.every((member) => isCovered(covered, member))) continue
    for (const member of group) cover(covered, member)
    clones.push({
      hash: group[0]?.hash ?? "",
      size: sizeOf(group),
      lines: group.reduce((most, member) => Math.max(most, member.endLine - member.line + 1), 0),
      functions: group.map(({ path, name, line }) => ({ path, name, line }))
    })
  }
  return clones.sort((a, b) => weight(b) - weight(a) || (a.hash < b.hash ? -1 : 1))
}

/** The nodes that would go if a group became one function. */
const weight = (clone: Clone): number => clone.size * (clone.functions.length - 1)

const sizeOf = (group: ReadonlyArray<FunctionMeasure>): number => group[0]?.size ?? 0

export const byPlace = (a: FunctionMeasure, b: FunctionMeasure): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line || a.column - b.column

/** The lines of members so far, by path: for each line the last one of the longest member over it. */
type Covered = Map<string, Map<number, number>>

const isCovered = (covered: Covered, { path, line, endLine }: FunctionMeasure): boolean =>
  (covered.get(path)?.get(line) ?? 0) >= endLine

/** Marks the lines of a member. The larger members come first, so hardly any line is marked twice. */
const cover = (covered: Covered, member: FunctionMeasure): void => {
  if (isCovered(covered, member)) return
  const lines = covered.get(member.path) ?? new Map<number, number>()
  covered.set(member.path, lines)
  for (let line = member.line; line <= member.endLine; line++) {
    if ((lines.get(line) ?? 0) < member.endLine) lines.set(line, member.endLine)
  }
}
