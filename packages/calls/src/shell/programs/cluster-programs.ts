import type { Program } from './program.js'

/** What the command lines of containers and clusters do. */
export const DOCKER: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued:
    '-H --host --context -f --file -p --project-name --profile --env-file -l --log-level --config --tlscacert --tlscert --tlskey',
  subcommands: {
    read: 'ps images logs inspect version info stats top port diff history search events ls',
    build: 'build buildx bake',
    'outward-read': 'pull',
    write: 'start stop restart tag save commit pause unpause wait',
    execute: 'create run exec cp load import',
    send: 'push login logout',
    delete: 'rm rmi prune kill down',
    admin: 'network volume swarm service node plugin secret config stack update',
  },
  options: {
    admin: '--privileged --pid --cap-add --security-opt',
    delete: '--volumes -v --rmi',
    execute:
      '--mount --volume --volumes-from --device -H --host --context -c --allow --ssh --secret --config --tlskey',
    send: '--push --cache-to',
  },
  outputs: '--metadata-file --iidfile',
  nested: {
    compose: {
      effect: undefined,
      hasNoFiles: true,
      valued:
        '-f --file -p --project-name --profile --parallel --ansi --progress --env-file --project-directory',
      subcommands: {
        read: 'ps logs config images top ls version port events',
        build: 'build up',
        write: 'start stop restart create pause unpause',
        'outward-read': 'pull',
        execute: 'run exec cp',
        delete: 'down rm kill',
        send: 'push publish',
      },
      options: { send: '--push' },
    },
    image: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'ls inspect history list',
        build: 'build',
        'outward-read': 'pull',
        delete: 'rm prune',
        send: 'push',
      },
    },
    container: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'ls logs inspect top stats port diff list',
        write: 'start stop restart',
        execute: 'run exec cp',
        delete: 'rm prune kill',
      },
    },
    buildx: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: {
        read: 'ls du inspect version',
        build: 'build bake',
        write: 'use',
        execute: 'create',
        delete: 'rm prune stop',
      },
      options: { send: '--push --cache-to', execute: '--allow --ssh --secret' },
    },
    volume: {
      effect: undefined,
      hasNoFiles: true,
      options: { execute: '-o --opt -d --driver' },
      subcommands: { read: 'ls inspect list', write: 'create', delete: 'rm prune' },
    },
    network: {
      effect: undefined,
      hasNoFiles: true,
      subcommands: { read: 'ls inspect list', admin: 'create connect disconnect', delete: 'rm prune' },
    },
    system: { effect: undefined, hasNoFiles: true, subcommands: { read: 'df info events', delete: 'prune' } },
  },
}

export const KUBECTL: Program = {
  effect: undefined,
  hasNoFiles: true,
  valued:
    '-n --namespace --context --kubeconfig -l --selector -o --output -s --server --as --as-group --as-uid --cache-dir --certificate-authority --client-certificate --client-key --cluster --log-flush-frequency --password --profile --profile-output --request-timeout --tls-server-name --token --user --username -v --v --vmodule --log-file --field-selector --sort-by -L --label-columns --chunk-size --template -f --filename -k --kustomize --subresource -c --container --since --tail --timeout --for',
  subcommands: {
    read: 'get describe logs top explain version cluster-info api-resources api-versions diff events wait kustomize completion',
    admin:
      'apply create edit patch scale rollout label annotate expose set cordon uncordon taint config autoscale replace',
    execute: 'exec run cp attach debug port-forward proxy',
    delete: 'delete drain',
  },
  options: {
    admin: '-s --server --as --as-group --as-uid --kubeconfig --token --user --insecure-skip-tls-verify',
    execute: '--raw --output-directory',
  },
  outputs: '--profile-output --cache-dir',
  nested: {
    config: {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: { read: 'view current-context get-contexts get-clusters get-users' },
      // It shows what the clusters are entered with.
      options: { admin: '--raw' },
    },
    rollout: {
      effect: 'admin',
      hasNoFiles: true,
      subcommands: { read: 'status history' },
    },
    auth: { effect: undefined, hasNoFiles: true, subcommands: { read: 'can-i whoami', admin: 'reconcile' } },
  },
}

export const HELM: Program = {
  effect: undefined,
  hasNoFiles: true,
  subcommands: {
    read: 'list ls status history show search template lint version env verify help completion',
    build: 'dependency dep package',
    write: 'create pull',
    admin: 'install upgrade rollback repo',
    delete: 'uninstall delete',
    send: 'push',
  },
  valued:
    '-n --namespace --kube-context --kubeconfig --kube-apiserver --kube-token --kube-as-user --kube-as-group --kube-ca-file --kube-tls-server-name --registry-config --repository-cache --repository-config --burst-limit --qps',
  options: {
    admin:
      '--kubeconfig --kube-apiserver --kube-token --kube-as-user --kube-as-group --kube-ca-file --kube-insecure-skip-tls-verify',
  },
  nested: {
    repo: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'list ls' } },
    // The others show the values that a release was given, keys and passwords among them.
    get: { effect: 'admin', hasNoFiles: true, subcommands: { read: 'notes hooks metadata' } },
  },
}
