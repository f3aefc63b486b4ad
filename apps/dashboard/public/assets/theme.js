// The theme that was chosen holds before anything is drawn, so that a dark page never flashes.
document.documentElement.dataset.theme = localStorage.getItem('jamey-theme') ?? 'system'
