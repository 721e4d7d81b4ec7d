"""A line to a service that can be cut and mended, and that remembers what was asked."""

import socket
import threading


class Line:
    def __init__(self, port: int) -> None:
        self.to = port
        self.is_cut = False
        self.heads: list[str] = []
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Breaks what is open, and lets nothing through until it is mended."""
        self.is_cut = True
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open.clear()

    def mend(self) -> None:
        self.is_cut = False

    def end(self) -> None:
        self.cut()
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                client.close()
                continue
            service = socket.create_connection(("127.0.0.1", self.to))
            self.open += [client, service]
            threading.Thread(target=self._pump, args=(client, service, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(service, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        try:
            while piece := source.recv(65536):
                if is_request:
                    self.heads.append(piece.decode("latin-1").lower())
                target.sendall(piece)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
