import { csrfToken, sessionExpired } from '../api/client';
import { problemOf } from '../api/problem';

type Upload = { method: 'PUT' | 'POST'; url: string; body: Blob; type: string; headers?: Record<string, string>; onProgress: (share: number) => void };

/** Sends a file and tells how much of it has gone, which fetch cannot. Gives the body of the answer. */
export function upload({ method, url, body, type, headers = {}, onProgress }: Upload): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader('Content-Type', type);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('X-CSRF-Token', csrfToken());
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new TypeError('no answer'));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve(parsed(request.responseText));
      if (request.status === 401) sessionExpired();
      const told = new Headers({ 'Retry-After': request.getResponseHeader('Retry-After') ?? '' });
      reject(problemOf(new Response(null, { status: request.status, headers: told }), parsed(request.responseText)));
    };
    request.send(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
