import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../ordinary.support.js'

describe('options and words that have a program run, delete or tell something', () => {
  it.each([
    ['tar --checkpoint=1 --checkpoint-act=exec=id -cf a.tar .', 'tar -cf a.tar src'],
    ['tar xf a.tar --use-comp=id', 'tar xzf a.tar'],
    ['tar cIf id a.tar src', 'tar czf a.tar src'],
    ['tar -cf a.tar -F ./x src', 'tar --exclude=x:y -cf a.tar src'],
    ['tar cf ann@host:/x src', 'tar cf x.tar src'],
    ['tar -xf a.tar --transform s,^,../,', 'tar -xf a.tar --strip-components=1'],
    ['rsync -a --rsync-path=./x a b', 'rsync -a a b'],
    ['rsync -a --del a/ b/', 'rsync -a --exclude x a/ b/'],
    ['sort --compress-prog=./x a', 'sort -u a'],
    ['sort -T ../x a', 'sort -k2 a'],
    ["split --fil='sh -c id' a", 'split -l 100 a'],
    ['find . -fprint0 ../x', 'find . -print0'],
    ['zip -rm a.zip src', 'zip -r a.zip src'],
    ['zip --un id a.zip a', 'zip a.zip a'],
    ['unzip -o: a.zip', 'unzip -o a.zip'],
    ['rg --hostname-bin=./x foo', 'rg --hidden foo'],
    ['yq \'load("/etc/passwd")\'', "yq '.a' x.yaml"],
    ['yq --split-exp .a a', "yq -i '.a = 1' a.yaml"],
    ['man --pag=id ls', 'man ls'],
    ['less --lesskey-content=x a', 'less -R a'],
    ['view -c x a', 'cat a'],
    ["dc -e '!id'", 'bc a'],
    ['cloc --extract-with=x a', 'cloc src'],
    ['code tunnel', 'code src/a.ts'],
    ['open https://x.example/?q=1', 'open index.html'],
    ['open -a Terminal', 'open docs/a.pdf'],
    ['history -w ../x', 'history'],
    ['install -m 4755 a b', 'install -m 755 a b'],
    ['cmake -E rm -rf src', 'cmake -E echo x'],
    ['mvn exec:exec -Dexec.executable=id', 'mvn -q test'],
    ['mvn org.x:y:run', 'mvn package -DskipTests'],
    ['pytest --baset=src', 'pytest -k name'],
    ['python -m venv --clear src', 'python -m venv .venv'],
    ['gcc -wrapper id a.c', 'gcc -Wall a.c'],
    ['cp -s /etc/passwd a', 'cp -r src lib'],
    ['npm run upload', 'npm run lint'],
    ['make docker-push', 'make docker-build'],
    ['prettier --plugin=../x .', 'prettier --plugin=./x .'],
    ['jest --globalSetup=/tmp/x', 'jest --globalSetup=./x'],
    ['pylint --rcfile=../x a', 'pylint --rcfile=.pylintrc a'],
    ['esbuild --servedir=/ a.ts', 'esbuild --servedir=dist a.ts'],
    ['sass a:../b', 'sass a:b'],
    ['dotnet user-secrets list', 'dotnet test'],
    ['pre-commit install', 'pre-commit run'],
    ['buf push', 'buf generate'],
    ['lerna version', 'lerna run build'],
    ['npm run predeploy', 'npm run build'],
    ['npm run deployProd', 'npm run typecheck'],
  ])('%s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })

  it.each([
    ['pip install -e ../lib', 'pip install -e .'],
    ['pip install foo -t /x', 'pip install foo'],
    ['pip install --find-links=/x foo', 'pip install -r requirements.txt'],
    ['uv pip install -e ../lib', 'uv pip install foo'],
    ['npm init evil', 'npm init -y'],
    ['npm i somebody/thing', 'npm i lodash @types/node'],
    ['npm i --location=global x', 'npm i -D x'],
    ['npm link', 'npm ls'],
    ['npm audit --registry https://x.example', 'npm audit'],
    ["npm --node-options='--require ./x' test", 'npm test'],
    ['cargo build --config x=y', 'cargo build --release'],
    ['go build -toolexec=./x', 'go build -o bin/x ./cmd/x'],
    ['go env -w GOFLAGS=-toolexec=x', 'go env GOPATH'],
    ["go build -ldflags '-extld ./x'", "go build -ldflags '-s -w'"],
    ['GOTOOLCHAIN=x go build', 'GOOS=linux go build'],
    ['CARGO_HOME=../x cargo build', 'RUST_BACKTRACE=1 cargo test'],
    ['KUBECONFIG=../x kubectl get pods', 'KUBECONFIG=kube.yaml kubectl get pods'],
    ['HTTPS_PROXY=evil.example:80 npm ci', 'HTTPS_PROXY= npm ci'],
  ])('what is built and installed: %s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })

  it.each([
    ['docker build --push .', 'docker build -t x .'],
    ['docker buildx build --push .', 'docker buildx build .'],
    ['docker -H tcp://x ps', 'docker ps -a'],
    ['docker volume create --driver x y', 'docker volume ls'],
    ['kubectl get secrets -o yaml', 'kubectl get pods'],
    ['kubectl describe secret/x', 'kubectl describe pod/x'],
    ['kubectl get pods --server https://x', 'kubectl get pods -n x'],
    ['kubectl auth reconcile -f x', 'kubectl auth can-i get pods'],
    ["psql -h db.example -c 'select 1'", "psql -h localhost -c 'select 1'"],
    ["psql postgres://db.example/x -c 'select 1'", "psql postgres://127.0.0.1/x -c 'select 1'"],
    ["psql 'host=db.example' -c 'select 1'", "psql 'host=db dbname=x' -c 'select 1'"],
    ["mysql -hdb.example -e 'select 1'", "mysql -h db -e 'select 1'"],
    ['redis-cli -h cache.example get x', 'redis-cli -h cache get x'],
    ['npx playwright install --with-deps', 'npx playwright install'],
    ['npx cypress run --record', 'npx cypress run'],
    ['helm template --post-renderer=./x y', 'helm template .'],
    ['helm show chart https://x.example', 'helm list'],
    ['terraform output -json', 'terraform output'],
    ['terraform show -json', 'terraform show'],
    ['terraform -chdir=../x plan', 'terraform -chdir=infra plan'],
    ['terraform state pull', 'terraform state list'],
    ['terraform fmt -recursive /', 'terraform fmt -recursive'],
    ['gh repo clone x/y', 'gh repo view'],
  ])('what runs elsewhere: %s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })

  it.each([
    ["awk -f x '{print}' a", "awk -F: '{print $1}' a"],
    ['gawk -E x', "gawk -v n=1 '{print n}' a"],
    ["gawk -p../x '{print}' a", "gawk --posix '{print}' a"],
    ['awk \'@load "x"\' a', "awk '{print $1}' a"],
    ['gawk \'BEGIN{f="x"; @f("id")}\' a', "awk 'NR > 1' a"],
    ['awk \'BEGIN{ARGV[1]="/etc/passwd"} {print}\' a', "awk 'END {print NR}' a"],
    ['awk \'BEGIN{sys\\\ntem("id")}\'', "gawk -i inplace '{print}' a"],
  ])('awk: %s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})
