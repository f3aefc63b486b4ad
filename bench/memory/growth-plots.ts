import type { Plot } from '../kit/growth-plots.js'

const ALL = { xLabel: 'memories in the file' } as const

export const PLOTS: readonly Plot[] = [
  {
    ...ALL,
    file: 'memory-questions.svg',
    curve: 'questions',
    title: 'Time of a question',
    yLabel: 'milliseconds, p50',
    values: ['p50 ms'],
  },
  {
    ...ALL,
    file: 'memory-questions-p99.svg',
    curve: 'questions',
    title: 'Time of the slowest of a hundred questions',
    yLabel: 'milliseconds, p99',
    values: ['p99 ms'],
  },
  {
    ...ALL,
    file: 'memory-questions-cpu.svg',
    curve: 'questions',
    title: 'Processor time of a question',
    yLabel: 'CPU, us per question',
    values: ['CPU us/question'],
  },
  {
    ...ALL,
    file: 'memory-stores.svg',
    curve: 'storing',
    title: 'Storing',
    yLabel: 'memories per second',
    values: ['stores/s'],
  },
  {
    ...ALL,
    file: 'memory-folder.svg',
    curve: 'folder',
    title: 'Size of the folder',
    yLabel: 'MiB',
    values: ['folder MiB'],
  },
  {
    ...ALL,
    file: 'memory-opening.svg',
    curve: 'opening',
    title: 'From opening the file to the first answer',
    yLabel: 'seconds',
    values: ['s until the first answer'],
  },
  {
    ...ALL,
    file: 'memory-rss.svg',
    curve: 'opening',
    title: 'Memory of the process that asks',
    yLabel: 'MiB',
    values: ['RSS MiB', 'anonymous MiB'],
  },
]
