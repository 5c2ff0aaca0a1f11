/* A provider on loopback that begins an answer and never ends it. */
#ifndef JOTRACK_TESTS_PROVIDER_H
#define JOTRACK_TESTS_PROVIDER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static const char HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
static const char PIECE[] =
    "data: {\"id\":\"c1\",\"model\":\"none\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"content\":\"{\"},\"finish_reason\":null}]}\n\n";

/* Answers every call with the beginning of an answer, and then says nothing more. */
static void *serve(void *listener)
{
    char request[4096];

    for (;;) {
        int connection = accept(*(int *)listener, NULL, NULL);

        if (connection < 0)
            return NULL;
        /* The request may come in more pieces; what follows the first is of no interest. */
        if (read(connection, request, sizeof request) <= 0
            || write(connection, HEAD, strlen(HEAD)) < 0
            || write(connection, PIECE, strlen(PIECE)) < 0)
            close(connection);
    }
}

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(server >= 0 && bind(server, (struct sockaddr *)&address, len) == 0);
    CHECK(listen(server, 16) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&address, &len) == 0);
    *port = ntohs(address.sin_port);
    return server;
}

#endif
