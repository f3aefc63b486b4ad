import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('what Git is told', () => {
  it.each([
    ['git reset --har', 'git reset HEAD~1'],
    ['git branch --del x', 'git branch x'],
    ['git branch -C a b', 'git branch --show-current'],
    ['git switch -f main', 'git switch main'],
    ['git switch --discard-changes main', 'git switch -c x'],
    ['git checkout HEAD~1 src', 'git checkout main'],
    ['git checkout :/', 'git checkout -b x origin/main'],
    ['git checkout --pathspec-from-file=x', 'git checkout -b x'],
    ['git clone git@x.example:y/z.git', 'git clone ../y z'],
    ['git fetch git@x.example:y main', 'git fetch origin main:main'],
    ['git ls-remote https://x.example/y', 'git ls-remote origin'],
    ['git -C ../other status', 'git -C ../other rev-parse HEAD'],
    ['cd ../other && git diff', 'cd .. && git diff'],
    ['cd ../other && git log', 'cd src && git log'],
    ['HUSKY=0 git commit -m x', 'GIT_AUTHOR_NAME=x git commit -m x'],
    ['git bundle create ../x HEAD', 'git bundle create x HEAD'],
    ['git remote show https://x.example/y', 'git remote show origin'],
    ['git am x.patch', 'git am --abort'],
    ['git am < x.patch', 'git am --continue'],
    [
      "git am <<'END'\n--- /dev/null\n+++ b/.git/hooks/x\nEND",
      "git am <<'END'\n--- a/src/a.ts\n+++ b/src/a.ts\nEND",
    ],
  ])('%s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})
