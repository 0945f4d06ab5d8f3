/* The floor of fan-out: one send(2) of the same frame per member, and nothing else.
 *
 * usage: floor PORT MEMBERS SMALL FRAME. It accepts MEMBERS connections, then reads bytes from the first one: 's' sends
 * an event of FRAME bytes to the first SMALL members, 'a' to all; each is answered with an acknowledgement.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 4096
static const char EVENT[] = "42[\"message:new\",\"";
static const char ACK[] = "\x81\x10" "430[{\"ok\":true}]";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void say(int to, const char *bytes, size_t size) {
    if (send(to, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int members = atoi(argv[2]), small = atoi(argv[3]), size = atoi(argv[4]), yes = 1;
    static int people[MOST];
    static char frame[1 << 16], asked[256];
    if (members < 1 || members > MOST || small > members || size < 200 || size >= (int)sizeof frame) return 2;

    memset(frame, 'x', size);
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)((size - 4) >> 8);
    frame[3] = (char)((size - 4) & 0xff);
    memcpy(frame + 4, EVENT, sizeof EVENT - 1);
    memcpy(frame + size - 2, "\"]", 2);

    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, MOST)) fail("listen");
    puts("listening");
    fflush(stdout);
    for (int i = 0; i < members; i++) {
        people[i] = accept(listener, NULL, NULL);
        if (people[i] < 0) fail("accept");
        setsockopt(people[i], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    for (;;) {
        ssize_t count = recv(people[0], asked, sizeof asked, 0);
        if (count <= 0) return 0;
        for (ssize_t n = 0; n < count; n++) {
            int many = asked[n] == 's' ? small : members;
            for (int i = 0; i < many; i++) say(people[i], frame, size);
            say(people[0], ACK, sizeof ACK - 1);
        }
    }
}
