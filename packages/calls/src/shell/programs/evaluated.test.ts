// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are scripts of a shell.
import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('a variable that is set to what a command puts out', () => {
  it.each([
    ['N=$(echo "1e id;"); sed "${N}p" a', 'N=$(wc -l < b); sed -n "${N}p" a'],
    ['sed -n "$(cat b)" a', 'sed -n "$(wc -l < b)p" a'],
    ['sed "s/x/$1/" a', 'sed "s/x/$VERSION/" a'],
    ['S=$(cat x); awk "$S" a', 'awk "/$NAME/ {print \\$1}" a'],
    ['P=$(cat x); jq $P a', 'jq .name a'],
    ['B=$(cat x); git diff $B', 'B=$(git merge-base HEAD main); git diff $B'],
    ['git log $(cat x)', 'git log $(git describe --tags --abbrev=0)..HEAD --oneline'],
    ['git diff $(git rev-parse --output=x)', 'git diff $(git rev-parse HEAD~1)'],
    ['for i in $(cat x); do sed -n "${i}p" a; done', 'for i in {1..20}; do sed -n "${i}p" a; done'],
    [
      'if true; then N=$(cat x); else N=2; fi; sed "${N}p" a',
      'if true; then N=1; else N=2; fi; sed "${N}p" a',
    ],
    ['x=$(cat f); sed "s/a/${x%.*}/" a', 'sed "s/a/${x%.*}/" a'],
    ['git diff ${X:---output=../x}', 'git diff ${X:-HEAD}'],
    ['git diff ${X/a/--output=../x}', 'git diff ${X/a/b}'],
    ['sed "${X:-1e id}" a', 'sed "s/a/${X:-b}/" a'],
    ['a=(--output=../x); git diff "${a[@]}"', 'a=(src); echo "${a[@]}"'],
    ['set -- --output=../x; git diff "$@"', 'git diff "$BASE"'],
    ['cat x | xargs npm test', 'git ls-files | xargs prettier --check'],
    ['git show "$(cat x)"', 'git commit -m "$(cat x)"'],
    ['git commit "$(cat x)"', 'git commit -am "$(cat <<\'END\'\nfix: x\nEND\n)"'],
    ['docker logs $(cat x)', 'docker logs $(docker ps -q)'],
    ['kubectl logs $(cat x)', 'kubectl logs $(kubectl get pods -o name | head -1)'],
    ['gh run view $(cat x)', "gh run view $(gh run list -L1 --json databaseId -q '.[0].databaseId')"],
    ['S=$(cat x); echo $((S / 2))', 'S=$(du -sk . | cut -f1); echo $((S / 2))'],
    ['S=$(stat -c%n a); echo $((S / 2))', 'S=$(stat -c%s a); echo $((S / 2))'],
    [
      'L=$(grep -n x a b | cut -d: -f1); sed -n "${L}p" a',
      'L=$(grep -n x a | cut -d: -f1); sed -n "${L}p" a',
    ],
    ['L=$(cat x); sed -n "$L,$((L + 9))p" a', 'L=$(wc -l < a); sed -n "$L,$((L + 9))p" a'],
    ['cat names | xargs npm install', 'cat names | xargs echo'],
    ['echo a | xargs -I{} git diff {}', 'echo a | xargs -I{} echo {}'],
    ['sed "s/a/${!x}/" a', 'sed "s/a/${x}/" a'],
  ])('may be anything in %s, and is known in %s', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('arithmetic of a shell, which runs the index of a list', () => {
  it.each([
    ['read x < f; echo $((x))', 'echo $((1 + 2))'],
    ['X=$(cat f); echo $((X + 1))', 'X=$(wc -l < f); echo $((X + 1))'],
    ['X=$(cat f); ((X++))', 'X=1; ((X++))'],
    ['X=$(cat f); [[ $X -eq 1 ]]', 'X=$(ls | wc -l); [[ $X -eq 1 ]]'],
    ['X=$(cat f); [[ X -eq 1 ]]', 'X=$(cat f); [[ $X == 1 ]]'],
    ['X=$(cat f); let X++', 'X=$(grep -c foo a.txt); let X++'],
    ['X=$(cat f); declare -i y=X', 'X=3; declare -i y=X'],
    [
      'n=0; while read -r l; do n=$((n+l)); done < f',
      'n=0; while read -r l; do n=$((n+1)); done < f; echo $n',
    ],
    ['X=$(ls; echo x | wc -l); echo $((X))', 'for i in $(seq 1 5); do echo $((i*2)); done'],
    ['echo ${x@P}', 'echo ${x@Q}'],
  ])('evaluates what nobody sees in %s, and a number in %s', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})

describe('what a shell makes of names', () => {
  it.each([
    ["ls *(e:'id':)", 'ls *(a|b).ts'],
    ['echo *(+id)', 'echo +(a).ts'],
    ['cat *(D)', 'cat *'],
    ['cat *(.D)', 'cat *.md'],
    ['echo x > =(ls)', 'a=(1 2); echo x > b'],
    ['shopt -s dotglob; cat *', 'shopt -s nullglob; cat *'],
    ['setopt globdots; cat *', 'cat *'],
    ["bash -O dotglob -c 'cat *'", 'shopt -s globstar; cat **/*.md'],
    ['GLOBIGNORE=x; cat *', 'X=1; cat *'],
  ])('runs something, or selects hidden files, in %s and not in %s', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})
