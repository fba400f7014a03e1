// Stands for a panel or view that needs the studio: without a name it has no tab.

export const words = "";

export function mount() {}
