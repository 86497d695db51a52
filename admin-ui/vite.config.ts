import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.TANDEM_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  // What changes seldom is apart, so that browsers keep it over our releases.
  build: {
    chunkSizeWarningLimit: 600, // kB before compression; the first page loads a fourth of it over the wire
    rollupOptions: {
      input: ['index.html', 'reference.html'],
      output: { manualChunks: { base: ['react', 'react-dom', 'react-router', 'i18next', 'react-i18next', '@tanstack/react-query'] } },
    },
  },
  server: { proxy: { '/api/docs': { target: server, bypass: () => '/reference.html' }, '/api/v1': server, '/s/': server } },
});
