"""An event loop in a thread of its own, so that plain tests can use servers written for asyncio."""

import asyncio
import threading


class Background:
    def __init__(self, name):
        self.loop = asyncio.new_event_loop()
        # A client that leaves in the middle of a handshake is what these servers are for.
        self.loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, coroutine, seconds=20):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def stop(self):
        if self.loop.is_closed():
            return
        self.call(self._cancel_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel_tasks(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
